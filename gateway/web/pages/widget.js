/* The tracking page inside a shop's own page:
   <script src="https://gateway/widget.js" data-link="https://gateway/t/..." data-locale="zh-CN"></script>
   or data-token="..." instead of data-link. It shows up where the script stands, or in the element named by data-into. */
(() => {
  "use strict";
  const script = document.currentScript;
  const { link, token, locale, into } = script.dataset;
  const address = new URL(link || `t/${encodeURIComponent(token || "")}`, new URL(".", script.src));
  const query = locale ? `?locale=${encodeURIComponent(locale)}` : "";
  const host = (into && document.querySelector(into)) || script.parentNode.insertBefore(document.createElement("div"), script);
  const root = host.attachShadow({ mode: "open" });
  const style = new CSSStyleSheet();
  root.adoptedStyleSheets = [style];
  let shown = null;
  const show = async () => {
    const answer = await fetch(`${address.origin}${address.pathname}${query}`, { credentials: "omit" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const main = page.querySelector("main");
    if (!main) return;
    style.replaceSync(page.querySelector("style").textContent);
    root.replaceChildren(main);
    shown = main.dataset.sequence;
  };
  show().then(() => {
    if (!shown) return;
    const news = new EventSource(`${address.origin}${address.pathname}/live${query}`);
    news.addEventListener("tracking", event => { if (event.lastEventId !== shown) show(); });
  });
})();
