// On a phone, the sidebar is a drawer over the conversation; on a wide window there is nothing to open.

const root = document.documentElement;
const [opener, closer, backdrop, main] =
  ['.open-menu', '.close-menu', '.backdrop', '.main'].map((selector) => document.querySelector(selector));

function open() {
  root.dataset.menu = 'open';
  opener.setAttribute('aria-expanded', 'true');
  main.inert = true; // the keyboard stays in the drawer
  closer.focus();
}

export function closeDrawer() {
  if (!root.dataset.menu) return;
  delete root.dataset.menu;
  opener.setAttribute('aria-expanded', 'false');
  main.inert = false;
  opener.focus();
}

opener.addEventListener('click', open);
closer.addEventListener('click', closeDrawer);
backdrop.addEventListener('click', closeDrawer);
addEventListener('keydown', ({ key }) => key === 'Escape' && closeDrawer());
matchMedia('(min-width: 48rem)').addEventListener('change', closeDrawer);
