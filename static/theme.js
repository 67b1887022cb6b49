// Runs before the first paint: light or dark as chosen, or as the device says.
(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    const choice = root.dataset.theme || "auto";
    root.setAttribute("data-bs-theme", choice === "auto" ? (dark.matches ? "dark" : "light") : choice);
    document.dispatchEvent(new Event("theme"));
  };
  dark.addEventListener("change", apply);
  window.applyTheme = apply;
  apply();
})();
