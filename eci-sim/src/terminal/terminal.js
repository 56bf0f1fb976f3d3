// The page behind HttpUrl: lines go to the command, what it says is shown as plain text, escape sequences left out.
const $ = (selector) => document.querySelector(selector);
const [INPUT, OUTPUT, ERRORS, END] = [0, 1, 2, 3];
const SHOWN = 500_000;
const name = new URLSearchParams(location.search).get("param") ?? "";
const scheme = location.protocol === "https:" ? "wss:" : "ws:";
const socket = new WebSocket(`${scheme}//${location.host}/exec/?s=${encodeURIComponent(name)}`, "v4.channel.k8s.io");
socket.binaryType = "arraybuffer";
const decoders = { [OUTPUT]: new TextDecoder(), [ERRORS]: new TextDecoder() };

function show(kind, bytes) {
  const text = decoders[kind].decode(bytes, { stream: true });
  const piece = document.createElement("span");
  piece.className = kind === ERRORS ? "errors" : "";
  piece.textContent = text.replace(/\u001b(\[[0-9;?]*[ -/]*[@-~]|\][^\u0007]*\u0007|.)/g, "").replaceAll("\r\n", "\n");
  const said = $("#said");
  said.append(piece);
  while (said.textContent.length > SHOWN && said.childNodes.length > 1) said.firstChild.remove();
  piece.scrollIntoView({ block: "end" });
}

function end(text) {
  if ($("#ended").textContent === "") $("#ended").textContent = text;
  for (const element of $("#type").elements) element.disabled = true;
}

function type(bytes) {
  const message = new Uint8Array(bytes.length + 1);
  message[0] = INPUT;
  message.set(bytes, 1);
  socket.send(message);
}

socket.onmessage = ({ data }) => {
  const bytes = new Uint8Array(data);
  if (bytes[0] === OUTPUT || bytes[0] === ERRORS) show(bytes[0], bytes.subarray(1));
  if (bytes[0] !== END) return;
  const status = JSON.parse(new TextDecoder().decode(bytes.subarray(1)));
  const causes = status.details?.causes ?? [];
  const code = causes.find((cause) => cause.reason === "ExitCode")?.message;
  end(status.status === "Success" ? "ended with exit code 0" : code ? `ended with exit code ${code}` : status.message);
};
socket.onclose = () => end("the session is over; an address serves once, and for 30 s");
$("#type").onsubmit = (event) => {
  event.preventDefault();
  type(new TextEncoder().encode(`${$("#line").value}\n`));
  $("#line").value = "";
};
$("#over").onclick = () => type(new Uint8Array(0));
