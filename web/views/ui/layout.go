package ui

// htmxConfig keeps htmx from adding a style sheet of its own; ours has the
// classes. It has no switch for evaluating code: the content security policy
// refuses that, and no page uses an attribute that would ask for it.
const htmxConfig = `{"includeIndicatorCSS":false}`

// mark is the brand: a sun, two orbits, two planets.
const mark = markup(`<svg class="mark" viewBox="0 0 24 24" aria-hidden="true"><circle class="o" cx="12" cy="12" r="10.2" stroke-width="1.3"></circle><circle class="o" cx="12" cy="12" r="6.2" stroke-width="1.3"></circle><circle class="s" cx="12" cy="12" r="2.3"></circle><circle class="p" cx="19.2" cy="4.8" r="2.5"></circle><circle class="s" cx="6.1" cy="13.9" r="1.6"></circle></svg>`)

// doorArt is the brand drawn large, beside the sign-in form.
const doorArt = markup(`<svg viewBox="0 0 480 480"><circle class="o" cx="240" cy="240" r="232"></circle><path class="a" d="M240 8A232 232 0 1 1 12.1 196.5"></path><circle class="d" cx="12.1" cy="196.5" r="9"></circle><circle class="o" cx="240" cy="240" r="190"></circle><path class="a" d="M240 50A190 190 0 0 1 386.4 361.1"></path><circle class="s" cx="386.4" cy="361.1" r="7"></circle><circle class="o" cx="240" cy="240" r="148"></circle><path class="a" d="M240 92A148 148 0 1 1 138.7 347.9"></path><path class="w" d="M138.7 334.9l13 22h-26z"></path><circle class="o" cx="240" cy="240" r="108"></circle><path class="a" d="M240 132A108 108 0 0 1 334.6 188"></path><circle class="d" cx="334.6" cy="188" r="6"></circle><circle class="o" cx="240" cy="240" r="72"></circle><path class="a" d="M240 168A72 72 0 1 1 190.7 187.5"></path><circle class="s" cx="190.7" cy="187.5" r="5"></circle><circle class="s" cx="240" cy="240" r="20"></circle></svg>`)
