"use strict";

// Sends large files in chunks, each in a request of its own. After an interruption it continues with the first chunk that
// has not arrived, also after the page was loaded again, once the same file is chosen. Then the form is sent with the
// numbers of the arrived files in place of the files. Small files, and all files without scripts, go with the form itself.
{
  const form = document.querySelector("form.upload");
  const field = form.elements.import_file;
  const button = form.querySelector("[type=submit]");
  const box = form.querySelector(".sending");
  const bar = box.querySelector("progress");
  const sentText = box.querySelector("[data-sent]");
  const problemText = box.querySelector("[data-problem]");
  const announced = box.querySelector("[data-announced]");
  const token = form.elements.csrfmiddlewaretoken.value;
  const addresses = form.dataset.start.replace("start/", "");
  const MAX_PAUSE_SECONDS = 30;
  const PATIENCE_MS = 120000; // for one chunk
  const CHANGED = "The file has changed or was moved. Choose it again.";
  const STUCK = "The upload cannot continue on this page. Load the page again, and choose the same file.";
  let stopped = null; // an AbortController while files are sent

  // An error for people to read, after which sending ends.
  class Refusal extends Error {}

  const showProblem = (text) => {
    problemText.textContent = text;
    problemText.hidden = !text;
    if (text) {
      announced.textContent = text;
    }
  };

  const formatBytes = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MB`;

  const showSent = (name, sent, total) => {
    const percent = Math.floor(100 * sent / total);
    bar.max = total;
    bar.value = sent;
    sentText.textContent = `${percent} %: ${formatBytes(sent)} of ${formatBytes(total)}, ${name}`;
    if (percent % 10 === 0) {
      announced.textContent = `${percent} % sent`;
    }
  };

  const pause = (seconds) => new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    window.addEventListener("online", resolve, { once: true });
    stopped.signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(stopped.signal.reason);
    });
  });

  // Returns the answer of the server, however often the connection breaks until then.
  const send = async (address, options) => {
    for (let attempt = 0; ; attempt += 1) {
      try {
        const signal = AbortSignal.any([stopped.signal, AbortSignal.timeout(PATIENCE_MS)]);
        const answer = await fetch(address, { method: "POST", redirect: "manual", signal, ...options });
        if (answer.type === "opaqueredirect") {
          throw new Refusal(STUCK);
        }
        if (answer.ok || answer.status === 409) {
          showProblem("");
          return answer.json();
        }
        const isRefused = answer.headers.get("Content-Type")?.includes("json");
        if (answer.status < 500 || isRefused) {
          throw new Refusal(isRefused ? (await answer.json()).error : STUCK);
        }
      } catch (error) {
        stopped.signal.throwIfAborted();
        if (error instanceof Refusal) {
          throw error;
        }
      }
      const seconds = Math.min(2 ** attempt, MAX_PAUSE_SECONDS);
      showProblem(`The connection is interrupted. Next attempt in ${seconds} s.`);
      await pause(seconds);
    }
  };

  const readChunk = async (file, number, size) => {
    try {
      return await file.slice((number - 1) * size, number * size).arrayBuffer();
    } catch {
      throw new Refusal(CHANGED);
    }
  };

  const digest = async (content) => new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const toBase64 = (bytes) => btoa(String.fromCharCode(...bytes));

  const start = (file) => {
    const body = new FormData();
    body.append("csrfmiddlewaretoken", token);
    body.append("name", file.name);
    body.append("size", file.size);
    body.append("modified_ms", file.lastModified);
    return send(form.dataset.start, { body });
  };

  const hasArrived = async (file, begun) => {
    for (const [index, expected] of begun.digests.entries()) {
      if (toHex(await digest(await readChunk(file, index + 1, begun.chunk_bytes))) !== expected) {
        return false;
      }
    }
    return true;
  };

  const discard = (number) => {
    const body = new FormData();
    body.append("csrfmiddlewaretoken", token);
    return fetch(`${addresses}${number}/discard/`, { method: "POST", body, redirect: "manual" });
  };

  // Begins or continues the upload of a file; a file whose content has changed since is sent from its beginning.
  const begin = async (file) => {
    const begun = await start(file);
    if (await hasArrived(file, begun)) {
      return begun;
    }
    await discard(begun.number);
    return start(file);
  };

  // Sends what has not arrived of a file, and returns the number of its upload.
  const sendFile = async (file, sentBefore, total) => {
    const begun = await begin(file);
    const size = begun.chunk_bytes;
    for (let number = begun.digests.length + 1; (number - 1) * size < file.size; number += 1) {
      showSent(file.name, sentBefore + (number - 1) * size, total);
      const content = await readChunk(file, number, size);
      const headers = {
        "Content-Digest": `sha-256=:${toBase64(await digest(content))}:`,
        "Content-Type": "application/octet-stream",
        "X-CSRFToken": token,
      };
      const answer = await send(`${addresses}${begun.number}/${number}/?unattended=1`, { body: content, headers });
      if (answer.error) {
        return sendFile(file, sentBefore, total); // another window sends the same file
      }
    }
    return begun.number;
  };

  const sendForm = (numbers) => {
    for (const number of numbers) {
      const hidden = document.createElement("input");
      Object.assign(hidden, { type: "hidden", name: "unfinished", value: number });
      form.append(hidden);
    }
    field.disabled = true;
    form.submit();
  };

  const sendAll = async (files) => {
    const total = files.reduce((sum, file) => sum + file.size, 0);
    const numbers = [];
    let sent = 0;
    for (const file of files) {
      showSent(file.name, sent, total);
      numbers.push(await sendFile(file, sent, total));
      sent += file.size;
    }
    showSent(files.at(-1).name, total, total);
    sendForm(numbers);
  };

  const end = (text) => {
    stopped = null;
    button.disabled = false;
    box.hidden = !text;
    showProblem(text);
  };

  form.addEventListener("submit", async (event) => {
    const files = [...field.files];
    if (!crypto.subtle || files.every((file) => file.size <= Number(form.dataset.chunkBytes))) {
      return;
    }
    event.preventDefault();
    stopped = new AbortController();
    button.disabled = true;
    box.hidden = false;
    showProblem("");
    try {
      await sendAll(files);
    } catch (error) {
      end(stopped.signal.aborted ? "" : error.message);
    }
  });
  box.querySelector("[data-stop]").addEventListener("click", () => stopped?.abort());
}
