// The theme: the system's, or the one that was chosen here. No module, so that it runs before the first paint.
'use strict';

(() => {
  const KEY = 'fly-autoscaler.theme';

  function stored() {
    try {
      const own = localStorage.getItem(KEY);
      return own === 'light' || own === 'dark' ? own : 'auto';
    } catch {
      return 'auto'; // Storage can be forbidden.
    }
  }

  function show(theme) {
    if (theme === 'auto') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    // Canvases have colours of their own.
    document.dispatchEvent(new Event('themechange'));
  }

  show(stored());
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => show(stored()));
  document.addEventListener('DOMContentLoaded', () => {
    const select = document.getElementById('theme');
    select.value = stored();
    select.addEventListener('change', () => {
      try {
        if (select.value === 'auto') localStorage.removeItem(KEY);
        else localStorage.setItem(KEY, select.value);
      } catch {
        // Then it holds until the page is left.
      }
      show(select.value);
    });
  });
})();
