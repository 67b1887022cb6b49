// All behaviour of the pages. Everything here only eases what already works without it.
(() => {
  "use strict";
  const $ = (selector, within = document) => within.querySelector(selector);
  const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];
  const words = JSON.parse(document.body.dataset.words || "{}");
  const on = (name, handler) => document.addEventListener(name, handler);
  const onClick = (selector, handler) =>
    on("click", (event) => {
      const hit = event.target.closest(selector);
      if (hit) handler(hit, event);
    });
  const make = (tag, attributes = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  };

  // ---- toasts
  function toast(text, kind = "success") {
    const node = make("div", { class: `pn-toast pn-toast-${kind}` }, text);
    $("#toasts").append(node);
    setTimeout(() => node.remove(), kind === "danger" ? 8000 : 4000);
  }
  on("toast", (event) => toast(event.detail.text || event.detail.value || "", event.detail.kind));

  // ---- htmx: CSRF, errors, focus
  on("htmx:configRequest", (event) => {
    const token = $('meta[name="csrf-token"]');
    if (token && event.detail.verb !== "get") event.detail.headers["X-CSRFToken"] = token.content;
    if (event.detail.elt.matches("form.pn-tools")) {
      for (const name of Object.keys(event.detail.parameters)) {
        if (event.detail.parameters[name] === "") delete event.detail.parameters[name];
      }
    }
  });
  on("htmx:responseError", (event) => {
    const answer = event.detail.xhr;
    const page = new DOMParser().parseFromString(answer.responseText || "", "text/html");
    toast($("[data-sentence]", page)?.textContent.trim() || words.failed, "danger");
  });
  on("htmx:sendError", () => toast(words.offline, "danger"));
  on("htmx:beforeRequest", (event) => event.detail.target?.setAttribute("aria-busy", "true"));
  on("htmx:afterSwap", (event) => ready(event.detail.elt));

  // ---- theme switch, menus
  onClick("[data-theme-switch] button", (button, event) => {
    event.preventDefault();
    const root = document.documentElement;
    root.dataset.theme = button.value;
    for (const one of $$("[data-theme-switch] button")) one.setAttribute("aria-pressed", String(one.value === button.value));
    window.applyTheme();
    const form = new FormData(button.form);
    form.set("theme", button.value);
    fetch(button.form.action, { method: "POST", body: form, redirect: "manual" }).catch(() => {});
  });
  on("click", (event) => {
    for (const menu of $$("details[data-menu][open]")) if (!menu.contains(event.target)) menu.open = false;
  });
  on("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of $$("details[data-menu][open]")) {
      menu.open = false;
      $("summary", menu).focus();
    }
  });

  // ---- dialogs
  onClick("[data-open-dialog]", (button) => document.getElementById(button.dataset.openDialog)?.showModal());
  onClick("[data-close-dialog]", (button) => button.closest("dialog").close());
  on("click", (event) => {
    if (event.target.matches("dialog.pn-dialog")) event.target.close(); // the backdrop
  });
  on("submit", (event) => {
    const form = event.target;
    if (!form.dataset.confirm || form.dataset.sure) return;
    event.preventDefault();
    event.stopPropagation();
    ask(form).then((sure) => {
      if (!sure) return;
      form.dataset.sure = "yes";
      form.requestSubmit(event.submitter);
      delete form.dataset.sure;
    });
  });
  function ask(form) {
    const { confirm: text, confirmTitle: title, confirmLabel: label, confirmKind: kind } = form.dataset;
    const yes = make("button", { class: `btn btn-${kind}`, value: "yes" }, label);
    const no = make("button", { class: "btn btn-ghost-secondary", value: "no", autofocus: "" }, words.cancel);
    const head = make("header", { class: "pn-dialog-head" }, make("h2", { id: "ask-title" }, title));
    const inner = make("form", { method: "dialog", class: "pn-dialog-body" }, make("p", {}, text), make("div", { class: "pn-form-foot" }, yes, no));
    const box = make("dialog", { class: "pn-dialog pn-dialog-ask", "aria-labelledby": "ask-title" }, head, inner);
    document.body.append(box);
    box.showModal();
    return new Promise((done) =>
      box.addEventListener("close", () => {
        done(box.returnValue === "yes");
        box.remove();
      }),
    );
  }

  // ---- small things
  onClick("[data-copy]", (button) =>
    navigator.clipboard.writeText(button.dataset.copy).then(() => toast(words.copied)),
  );
  onClick("[data-reveal]", (button) => {
    const field = document.getElementById(button.dataset.reveal);
    const shown = field.type === "password";
    field.type = shown ? "text" : "password";
    button.setAttribute("aria-pressed", String(shown));
  });
  on("input", (event) => {
    const field = event.target;
    if (field.dataset.colourFor) document.getElementById(field.dataset.colourFor).value = field.value;
    const picker = field.id && $(`[data-colour-for="${CSS.escape(field.id)}"]`);
    if (picker && /^#[0-9a-f]{6}$/i.test(field.value)) picker.value = field.value;
  });
  on("submit", (event) => {
    // One click, one post: the button sleeps until the page changes.
    if (event.defaultPrevented || event.target.method !== "post" || event.target.hasAttribute("hx-post")) return;
    const button = event.submitter;
    if (button && !button.name) setTimeout(() => button.setAttribute("disabled", ""), 0);
  });
  addEventListener("pageshow", (event) => {
    if (event.persisted) for (const button of $$("form button[disabled]")) button.removeAttribute("disabled");
  });

  // ---- lists: the whole row is a link; j, k, Enter and /
  onClick("tr[data-href]", (row, event) => {
    if (event.target.closest("a, button, input, label, select") || getSelection().toString()) return;
    if (event.metaKey || event.ctrlKey) window.open(row.dataset.href);
    else location.assign(row.dataset.href);
  });
  on("keydown", (event) => {
    if (event.target.matches("input, textarea, select, [contenteditable]") || event.metaKey || event.ctrlKey || event.altKey) return;
    if (event.key === "/") {
      const field = $("[data-search]");
      if (field) {
        event.preventDefault();
        field.focus();
        field.select();
      }
    }
    const step = { j: 1, k: -1 }[event.key];
    if (!step) return;
    const links = $$(".pn-row-link");
    const at = links.indexOf(document.activeElement);
    links[Math.min(Math.max(at + step, 0), links.length - 1)]?.focus();
  });

  on("keydown", (event) => {
    if (event.key !== "?" || event.target.matches("input, textarea, select, [contenteditable]") || $("dialog[open]")) return;
    const keys = Object.entries(words.keys || {}).filter(([key]) => key === "?" || $(key === "/" ? "[data-search]" : ".pn-row-link"));
    const rows = keys.flatMap(([key, text]) => [make("dt", {}, make("kbd", {}, key)), make("dd", {}, text)]);
    const close = make("button", { class: "btn", value: "" }, words.close);
    const head = make("header", { class: "pn-dialog-head" }, make("h2", { id: "keys-title" }, words.keysTitle));
    const inner = make("form", { method: "dialog", class: "pn-dialog-body" }, make("dl", { class: "pn-keylist" }, ...rows), close);
    const box = make("dialog", { class: "pn-dialog pn-dialog-ask", "aria-labelledby": "keys-title" }, head, inner);
    document.body.append(box);
    box.addEventListener("close", () => box.remove());
    box.showModal();
  });

  // ---- the till: one field has the focus always
  on("keydown", (event) => {
    const field = $("[data-keep-focus]");
    if (!field || event.key.length !== 1 || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("input, textarea, select, dialog *")) return;
    field.focus();
  });

  // ---- charts
  const colours = () => {
    const style = getComputedStyle(document.documentElement);
    const read = (name) => style.getPropertyValue(name).trim();
    return {
      ink: read("--pn-muted"),
      grid: read("--pn-line"),
      series: [1, 2, 3, 4, 5, 6].map((n) => read(`--pn-chart-${n}`)),
    };
  };
  function drawChart(figure) {
    const data = JSON.parse(document.getElementById(`${figure.dataset.chart}-data`).textContent);
    const plot = $("[data-plot]", figure);
    const paint = colours();
    const locale = document.documentElement.lang;
    const say = new Intl.NumberFormat(locale, { notation: "compact", maximumFractionDigits: 1 });
    const xs = data.time ? data.x : data.x.map((_x, index) => index);
    const bars = (one) => (one.kind || figure.dataset.kind) === "bar";
    const mixed = data.series.length > 1;
    const series = data.series.map((one, index) => ({
      label: one.label,
      stroke: paint.series[index % paint.series.length],
      fill: bars(one) ? paint.series[index % paint.series.length] : mixed ? undefined : `${paint.series[index % paint.series.length]}1f`,
      width: bars(one) ? 0 : 2,
      points: { show: !bars(one) && xs.length < 2 },
      paths: bars(one) ? uPlot.paths.bars({ size: [0.66, 44], radius: 0.15 }) : uPlot.paths.linear(), // a curve would invent figures
    }));
    const axis = { stroke: paint.ink, grid: { stroke: paint.grid, width: 1 }, ticks: { show: false }, font: "12px Inter, system-ui, sans-serif" };
    const options = {
      width: plot.clientWidth,
      height: Number(figure.dataset.height),
      legend: { show: false },
      cursor: { y: false, points: { size: 7 } },
      scales: {
        x: { time: Boolean(data.time), range: bars(data.series[0]) ? (_u, low, high) => [low - 0.6, high + 0.6] : undefined },
        y: { range: (_u, low, high) => [Math.min(0, low), high > 0 ? high * 1.08 : 1] },
      },
      axes: [
        { ...axis, grid: { show: false }, values: data.time ? undefined : (_u, ticks) => ticks.map((at) => (Number.isInteger(at) ? (data.x[at] ?? "") : "")), space: data.time ? 72 : 20 + 7 * Math.max(...data.x.map((x) => String(x).length)) },
        { ...axis, size: 56, values: (_u, ticks) => ticks.map((value) => say.format(value)) },
      ],
      series: [{}, ...series],
      hooks: { setCursor: [(u) => legend(figure, data, paint, u.cursor.idx)] },
    };
    if (options.axes[0].values === undefined) delete options.axes[0].values;
    if (options.scales.x.range === undefined) delete options.scales.x.range;
    plot.replaceChildren();
    figure.chart = new uPlot(options, [xs, ...data.series.map((one) => one.values)], plot);
    legend(figure, data, paint, null);
  }
  function legend(figure, data, paint, at) {
    const say = new Intl.NumberFormat(document.documentElement.lang);
    const nodes = data.series.map((one, index) => {
      const value = at === null || at === undefined ? "" : ` ${one.values[at] === null ? "–" : say.format(one.values[at])}`;
      const dot = make("span", { class: `pn-dot pn-dot-${(index % 6) + 1}` });
      return make("span", { class: "pn-legend-item" }, dot, one.label, make("b", {}, value));
    });
    const when = at === null || at === undefined || data.time ? [] : [make("span", { class: "pn-legend-x" }, String(data.x[at]))];
    $(".pn-chart-legend", figure).replaceChildren(...when, ...nodes);
  }
  function charts(within) {
    const figures = $$("[data-chart]", within).filter((figure) => !figure.chart);
    if (!figures.length) return;
    loadPlot().then(() => {
      for (const figure of figures) {
        figure.classList.add("pn-chart-live");
        drawChart(figure);
        new ResizeObserver(() => {
          const width = $("[data-plot]", figure).clientWidth;
          if (width) figure.chart.setSize({ width, height: Number(figure.dataset.height) });
        }).observe($("[data-plot]", figure));
      }
    }, () => {}); // without the library the table stays
  }
  let plotLibrary;
  function loadPlot() {
    const { plotJs, plotCss } = document.body.dataset;
    plotLibrary ||= new Promise((done, fail) => {
      document.head.append(make("link", { rel: "stylesheet", href: plotCss }));
      const script = make("script", { src: plotJs });
      script.onload = done;
      script.onerror = fail;
      document.head.append(script);
    });
    return plotLibrary;
  }
  onClick("[data-chart-table]", (button) => {
    const figure = button.closest("[data-chart]");
    const open = figure.classList.toggle("pn-chart-as-table");
    button.setAttribute("aria-expanded", String(open));
    button.lastChild.textContent = open ? words.showChart : words.showTable;
  });
  on("theme", () => {
    for (const figure of $$(".pn-chart-live")) drawChart(figure);
  });

  // ---- member card: full-screen code that keeps the screen awake
  const codeDialog = $("dialog[data-code]");
  if (codeDialog) {
    let lock;
    new MutationObserver(() => {
      if (codeDialog.open) navigator.wakeLock?.request("screen").then((got) => (lock = got), () => {});
      else lock?.release();
    }).observe(codeDialog, { attributes: true, attributeFilter: ["open"] });
  }

  // ---- when a page or a part of it arrives
  function ready(within) {
    charts(within);
    const bad = $('[aria-invalid="true"], [data-form-error]', within) || $(".pn-field-bad input", within);
    (bad || $("[data-focus]", within) || (within === document ? $("[data-keep-focus]") : null))?.focus();
    for (const here of $$('.pn-nav [aria-current="page"]', within)) here.scrollIntoView({ block: "nearest" });
  }
  ready(document);

  const { worker } = document.body.dataset;
  if (worker && "serviceWorker" in navigator) navigator.serviceWorker.register(worker).catch(() => {});
})();
