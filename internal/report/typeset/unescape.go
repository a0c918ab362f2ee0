package typeset

import (
	"strings"

	"github.com/yuin/goldmark/util"
)

// unescape resolves what Markdown escapes: a backslash before punctuation, and references
// such as &amp; and &#64;.
func unescape(s []byte) string {
	var out strings.Builder
	start := 0
	for i := 0; i+1 < len(s); i++ {
		if s[i] != '\\' || !util.IsPunct(s[i+1]) {
			continue
		}
		out.Write(resolve(s[start:i]))
		out.WriteByte(s[i+1])
		i++
		start = i + 1
	}
	out.Write(resolve(s[start:]))
	return out.String()
}

func resolve(s []byte) []byte { return util.ResolveEntityNames(util.ResolveNumericReferences(s)) }
