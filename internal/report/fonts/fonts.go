// Package fonts holds the typeface of the printed report: Inter, copyright The Inter
// Project Authors, under the SIL Open Font License (LICENSE.txt). It has Latin, Greek and
// Cyrillic letters; it has no Arabic, Hebrew, Chinese, Japanese or Korean ones and no emoji.
package fonts

import _ "embed"

// The faces as TrueType files. Do not change the bytes.
var (
	//go:embed Inter-Regular.ttf
	Regular []byte
	//go:embed Inter-SemiBold.ttf
	SemiBold []byte
	//go:embed Inter-Italic.ttf
	Italic []byte
)
