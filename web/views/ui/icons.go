package ui

import (
	"context"
	"fmt"
	"io"

	"github.com/a-h/templ"

	"orrery/web/static"
)

// iconNames are the symbols of the sprite (web/static/files/icons.svg): statuses
// first, then acts and things.
var iconNames = []string{
	"high", "medium", "none", "unanswered", "na", "ask",
	"supports", "contradicts", "mixed", "cannot",
	"go", "conditional", "nogo", "emergency", "hold",
	"progress", "clock", "lock", "check", "cross", "back", "busy",
	"again", "comment", "copy", "down", "edit", "file", "filter", "flag", "info",
	"left", "right", "chevron", "lesson", "link", "mend", "out", "person", "plus", "search",
}

// icons are the finished components: a page writes hundreds of them. The sprite
// is a file of its own, fetched once and kept by the browser, so an icon costs
// a page some eighty bytes.
var icons = func() map[string]templ.Component {
	all := make(map[string]templ.Component, len(iconNames))
	for _, name := range iconNames {
		all[name] = markup(iconMarkup(name))
	}
	return all
}()

var spriteAddress = static.Path("icons.svg")

func iconMarkup(name string) string {
	return `<svg class="i" aria-hidden="true"><use href="` + spriteAddress + "#" + name + `"></use></svg>`
}

// Icon shows one symbol of the sprite. It is decoration: a word always stands
// beside it. Rendering an icon that does not exist is an error.
func Icon(name string) templ.Component {
	if icon, ok := icons[name]; ok {
		return icon
	}
	return noIcon(name)
}

type noIcon string

// Render refuses: the page asks for an icon nobody drew.
func (n noIcon) Render(context.Context, io.Writer) error {
	return fmt.Errorf("ui: no icon is called %q", string(n))
}
