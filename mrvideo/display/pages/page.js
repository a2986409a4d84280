// A time that is clicked plays in the film beside the page, up to where it ends.
const film = document.getElementById("film");
let stop = Infinity;
film.addEventListener("timeupdate", () => {
  if (film.currentTime < stop) return;
  film.pause();
  stop = Infinity;
});
for (const mark of document.querySelectorAll("[data-start]")) {
  mark.addEventListener("click", () => {
    stop = Number(mark.dataset.stop);
    film.currentTime = Number(mark.dataset.start);
    film.play().catch(() => {});
  });
}
