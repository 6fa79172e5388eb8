/**
 * The one script of all pages, inlined and named by its hash in the content security policy. Every page works without it.
 * Copying needs the old way too: over plain HTTP browsers offer no clipboard.
 */
export const pageScript = `
(() => {
  const copyOldWay = (code) => {
    const range = document.createRange();
    range.selectNodeContents(code);
    const selection = getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
    const copied = document.execCommand("copy");
    if (copied) selection.removeAllRanges();
    return copied;
  };
  for (const box of document.querySelectorAll(".command")) {
    const code = box.querySelector("code");
    const button = box.querySelector("button");
    button.hidden = false;
    button.addEventListener("click", async () => {
      let copied;
      try { await navigator.clipboard.writeText(code.textContent); copied = true; }
      catch { copied = copyOldWay(code); }
      button.textContent = copied ? "Copied" : "Select";
      button.classList.toggle("done", copied);
      setTimeout(() => { button.textContent = "Copy"; button.classList.remove("done"); }, 2500);
    });
  }
  const state = document.querySelector(".state.waiting[data-approved]");
  if (!state) return;
  const until = Date.now() + 15 * 60_000;
  const ask = async () => {
    try {
      const answer = await fetch(location.href, { headers: { accept: "application/json" }, cache: "no-store" });
      const now = (await answer.json()).state;
      if (now !== "waiting") {
        state.className = "state " + now;
        state.textContent = state.dataset[now] || state.dataset.unknown;
        return;
      }
    } catch {}
    if (Date.now() < until) setTimeout(ask, 3000);
  };
  setTimeout(ask, 3000);
})();
`;
