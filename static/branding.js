/* Live preview of the card and the accent while colours are being chosen. The server checks them again. */
(function () {
  "use strict";
  var preview = document.querySelector("[data-brand-preview]");
  if (!preview) { return; }
  var art = JSON.parse(document.getElementById("card-art").textContent);
  var hex = /^#[0-9a-f]{6}$/i;

  function luminance(colour) {
    return [1, 3, 5].map(function (at) {
      var part = parseInt(colour.slice(at, at + 2), 16) / 255;
      return part <= 0.04045 ? part / 12.92 : Math.pow((part + 0.055) / 1.055, 2.4);
    }).reduce(function (sum, part, at) { return sum + part * [0.2126, 0.7152, 0.0722][at]; }, 0);
  }
  function contrast(one, other) {
    var a = luminance(one), b = luminance(other);
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  }
  function darker(colour) {
    return "#" + [1, 3, 5].map(function (at) {
      return Math.round(parseInt(colour.slice(at, at + 2), 16) * 0.6).toString(16).padStart(2, "0");
    }).join("");
  }
  function draw() {
    var card = document.getElementById("f-card").value, accent = document.getElementById("f-accent").value;
    if (hex.test(card)) {
      var ink = contrast("#ffffff", card) >= contrast("#14181f", card) ? "#ffffff" : "#14181f";
      preview.style.setProperty("--pn-card-near", card);
      preview.style.setProperty("--pn-card-far", ink === "#ffffff" ? darker(card) : card);
      preview.style.setProperty("--pn-card-ink", ink);
    }
    if (hex.test(accent)) {
      var ratio = contrast(accent, "#ffffff"), said = preview.querySelector("[data-ratio]");
      preview.style.setProperty("--tblr-primary", accent);
      preview.style.setProperty("--tblr-primary-fg", "#ffffff");
      said.textContent = (Math.floor(ratio * 10) / 10).toFixed(1) + " : 1";
      said.classList.toggle("text-danger", ratio < 4.5);
    }
    var style = document.querySelector("input[name=card_style]:checked");
    preview.style.setProperty("--pn-card-art", (style && art[style.value]) || "none");
  }
  document.addEventListener("input", draw);
  document.addEventListener("change", draw);
  draw();
})();
