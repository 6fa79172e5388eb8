/** The one style sheet of all pages, inlined and named by its hash in the content security policy. */
export const pageStyle = `
:root { color-scheme: light dark; --ink: #1b1f24; --quiet: #59636e; --paper: #f5f6f8; --card: #fff; --line: #d9dee4; --accent: #2457d6; --on-accent: #fff; --code: #f0f2f5; --good: #1a7f4b; --bad: #b42318; --warn-paper: #fff6e0; --warn-line: #e6c36b; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7eaee; --quiet: #9aa5b1; --paper: #101316; --card: #181c20; --line: #2e353d; --accent: #7ea6ff; --on-accent: #0b1430; --code: #0f1215; --good: #5bd08f; --bad: #ff8a7a; --warn-paper: #2b2411; --warn-line: #6b5720; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 17px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; -webkit-text-size-adjust: 100%; }
header, main, footer { max-width: 44rem; margin: 0 auto; padding: 0 1.1rem; }
header { display: flex; align-items: center; gap: .6rem; padding-top: 1.6rem; font-weight: 650; letter-spacing: -.01em; }
header img { width: 1.7rem; height: 1.7rem; }
main { padding-top: 1.1rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 1.5rem 1.4rem; margin-bottom: 1.1rem; }
h1 { font-size: 1.55rem; line-height: 1.25; margin: 0 0 .5rem; letter-spacing: -.015em; }
h2 { font-size: 1.12rem; margin: 1.7rem 0 .4rem; }
.card > h2:first-child { margin-top: 0; }
p { margin: .5rem 0; }
ol, ul { padding-left: 1.3rem; margin: .5rem 0; }
li { margin: .35rem 0; }
a { color: var(--accent); }
code { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: .92em; overflow-wrap: anywhere; }
p code, li code, dd code { background: var(--code); border-radius: 5px; padding: .08em .32em; }
.command { display: flex; align-items: stretch; border: 1px solid var(--line); border-radius: 10px; background: var(--code); margin: .7rem 0 1rem; overflow: hidden; }
.command code { flex: 1; padding: .8rem .9rem; min-width: 0; white-space: pre-wrap; overflow-wrap: anywhere; user-select: all; -webkit-user-select: all; }
.command span { display: inline-block; max-width: 100%; }
.command button { border: 0; border-left: 1px solid var(--line); background: var(--accent); color: var(--on-accent); font: inherit; font-size: .95rem; font-weight: 600; min-width: 5.2rem; padding: .6rem .9rem; cursor: pointer; }
button:focus-visible, a:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.command button.done { background: var(--good); }
.button { display: inline-block; background: var(--accent); color: var(--on-accent); border-radius: 9px; padding: .55rem .9rem; font-weight: 600; text-decoration: none; margin: .3rem .5rem .3rem 0; }
button.button { border: 0; font: inherit; font-weight: 600; padding: .6rem 1.3rem; cursor: pointer; }
.button.plain { background: var(--code); color: var(--ink); box-shadow: inset 0 0 0 1px var(--line); }
.choice { display: flex; flex-wrap: wrap; gap: .2rem .4rem; margin-top: 1.2rem; }
.quiet { color: var(--quiet); font-size: .94rem; }
.notice { background: var(--warn-paper); border: 1px solid var(--warn-line); border-radius: 10px; padding: .65rem .9rem; margin: .9rem 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; margin: .9rem 0; }
dt { color: var(--quiet); }
dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
.state { display: flex; align-items: center; gap: .55rem; margin-top: 1.1rem; color: var(--quiet); }
.state::before { content: ""; flex: none; width: .65rem; height: .65rem; border-radius: 50%; background: var(--quiet); }
.state.waiting::before { background: var(--accent); animation: pulse 1.6s ease-in-out infinite; }
.state.approved { color: var(--good); font-weight: 600; }
.state.approved::before { background: var(--good); }
.state.rejected, .state.unknown { color: var(--bad); }
.state.rejected::before, .state.unknown::before { background: var(--bad); }
@keyframes pulse { 50% { opacity: .25; } }
@media (prefers-reduced-motion: reduce) { .state.waiting::before { animation: none; } }
h1.state { margin: 0 0 .5rem; font-weight: 700; }
footer { padding-top: .2rem; padding-bottom: 2rem; }
[hidden] { display: none !important; }
@media (max-width: 30rem) { .command { flex-direction: column; } .command button { border-left: 0; border-top: 1px solid var(--line); min-height: 2.9rem; } .card { padding: 1.2rem 1.05rem; } .command code { font-size: .86em; } .choice .button { flex: 1; margin-right: 0; } }
`;
