// Keeps the static shell and one off-line page. Pages and data are always fetched: they are somebody's.
const FILES = {{ files | tojson }};
const OFFLINE = {{ offline | tojson }};
const NAME = "shell-" + FILES.join("|").split("").reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) | 0, 7);

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(NAME).then((cache) => cache.addAll(FILES)).then(() => self.skipWaiting()));
});
self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches.keys()
      .then((names) => Promise.all(names.filter((name) => name !== NAME).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});
self.addEventListener("fetch", (event) => {
  const request = event.request;
  if (request.method !== "GET" || new URL(request.url).origin !== location.origin) return;
  if (request.mode === "navigate") {
    event.respondWith(fetch(request).catch(() => caches.match(OFFLINE)));
  } else if (FILES.includes(new URL(request.url).pathname + new URL(request.url).search)) {
    event.respondWith(caches.match(request).then((kept) => kept || fetch(request)));
  }
});
