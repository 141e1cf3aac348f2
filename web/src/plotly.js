// A plotly figure of the published page: drawn by our own copy of plotly.js, in the page's colours.

let library = null;

/** Load plotly.min.js once, when the first figure comes near the screen: it is large. */
function load() {
  library ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL("plotly/plotly.min.js", import.meta.url).href;
    script.onload = () => resolve(globalThis.Plotly);
    script.onerror = () => reject(new Error("plotly.min.js is not in this book."));
    document.head.append(script);
  });
  return library;
}

export async function render(place) {
  const plotly = await load();
  const { data, layout } = JSON.parse(place.dataset.figure);
  const el = document.createElement("div");
  el.setAttribute("role", "img");
  el.setAttribute("aria-label", place.querySelector("img").alt);
  place.replaceChildren(el);
  const paint = () => {
    const color = getComputedStyle(place).color;
    const clear = "rgba(0, 0, 0, 0)";
    return plotly.react(el, data, { ...layout, paper_bgcolor: clear, plot_bgcolor: clear, font: { ...layout.font, color } },
      { responsive: true, displayModeBar: false });
  };
  await paint();
  new MutationObserver(paint).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  place.dataset.alive = "yes";
}
