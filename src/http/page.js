// Shows the newest lines of /sse/flights, and says how the connection and the data are.
"use strict";

const SHOWN = 15;
const rows = document.getElementById("rows");
const status = document.getElementById("status");
let received = 0;
let newest = null;
let connected = false;
let waiting = [];

const number = (value, digits) => (value === null ? "–" : value.toFixed(digits));

function row(state) {
  const line = document.createElement("tr");
  const text = [state.icao24, state.callsign ?? "–", state.origin_country ?? "–"];
  const numbers = [
    number(state.lat, 4), number(state.lon, 4), number(state.baro_altitude, 0),
    number(state.velocity, 0), number(state.true_track, 0),
    new Date(state.last_contact * 1000).toLocaleTimeString(),
  ];
  for (const value of text) line.insertCell().textContent = value;
  for (const value of numbers) {
    const cell = line.insertCell();
    cell.textContent = value;
    cell.className = "number";
  }
  return line;
}

// A poll brings thousands of states at once: only the last few are drawn.
function draw() {
  if (waiting.length > 0) {
    const fresh = waiting.slice(-SHOWN).reverse().map(row);
    waiting = [];
    rows.prepend(...fresh);
    while (rows.rows.length > SHOWN) rows.deleteRow(-1);
  }
  if (!connected) return;
  const age = newest === null ? null : Math.max(0, Math.round(Date.now() / 1000 - newest));
  status.textContent = age === null
    ? "Connected. Waiting for the first aircraft: the source was not polled yet, or has nothing in this area."
    : `Connected. ${received.toLocaleString()} state vectors received; the newest answer of the source is ${age} s old.`;
}

const source = new EventSource("/sse/flights");
source.onmessage = (event) => {
  const message = JSON.parse(event.data);
  if (message.type === "connection_ack") {
    connected = true;
    draw();
    return;
  }
  received += 1;
  newest = Math.max(newest ?? 0, message.observed_at ?? message.last_contact);
  waiting.push(message);
  if (waiting.length > 1000) waiting = waiting.slice(-SHOWN);
};
source.onerror = () => {
  connected = false;
  status.textContent = source.readyState === EventSource.CLOSED
    ? "The server refused the live stream. Reload to try again."
    : "Connection lost. Trying again …";
};
setInterval(draw, 250);
