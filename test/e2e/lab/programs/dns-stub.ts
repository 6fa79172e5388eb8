// Answers every question on UDP port 53 with "no such name", so that a name outside the lab fails at once.
// Without it a client with MagicDNS waits 20 to 40 s for each. Format: RFC 1035 §4.1.1.
import { createSocket } from "node:dgram";

const headerBytes = 12;
const responseNameError = [0x81, 0x83];

const socket = createSocket("udp4");
socket.on("message", (question, { address, port }) => {
  if (question.length < headerBytes) return;
  const answer = Buffer.from(question);
  answer.set(responseNameError, 2);
  // No answer, authority or additional records follow the question.
  answer.fill(0, 6, headerBytes);
  socket.send(answer, port, address);
});
socket.bind(53, () => console.log("ready"));
