"use strict";

// The server draws the page, and draws it anew whenever something has changed. What comes is put over what is there, node by
// node, so that the focus, the selection and the place of a scroll stay, and the bar moves.
function same(a, b) {
  return a.nodeType === b.nodeType && a.nodeName === b.nodeName && (a.id || "") === (b.id || "");
}

function put(from, onto) {
  if (onto.nodeType !== Node.ELEMENT_NODE) {
    if (onto.data !== from.data) onto.data = from.data;
    return;
  }
  for (const { name } of [...onto.attributes]) if (!from.hasAttribute(name)) onto.removeAttribute(name);
  for (const { name, value } of from.attributes) if (onto.getAttribute(name) !== value) onto.setAttribute(name, value);
  const fresh = [...from.childNodes];
  fresh.forEach((child, k) => {
    const there = onto.childNodes[k];
    if (!there) onto.append(document.importNode(child, true));
    else if (same(child, there)) put(child, there);
    else there.replaceWith(document.importNode(child, true));
  });
  while (onto.childNodes.length > fresh.length) onto.lastChild.remove();
}

function draw(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html").getElementById("page");
  if (fresh) put(fresh, document.getElementById("page"));
}

function listen() {
  const stream = new EventSource("events");
  const lost = (is) => { document.getElementById("lost").hidden = !is; };
  stream.addEventListener("page", (e) => { draw(e.data); lost(false); });
  stream.addEventListener("error", () => {
    lost(true);
    if (stream.readyState === EventSource.CLOSED) setTimeout(listen, 3000); // the browser gives up where a proxy answers for the server
  });
  addEventListener("pagehide", () => stream.close(), { once: true });
  addEventListener("pageshow", (e) => { if (e.persisted) location.reload(); }, { once: true });
}

listen();
