// What a page tells Node, its own errors included.

export const report = (event) => window.report(event);

window.addEventListener('error', (error) => report({ event: 'page_error', text: error.message }));
window.addEventListener('unhandledrejection', ({ reason }) => report({ event: 'page_error', text: String(reason) }));
