// Package fonts holds the typefaces of the printed report. Inter, copyright The Inter
// Project Authors, under the SIL Open Font License (LICENSE.txt), has Latin, Greek and
// Cyrillic letters. Droid Sans Fallback, copyright 2006 to 2010 Google Corp., under the
// Apache License 2.0 (the LICENSE of Orrery), has Chinese, Japanese and Korean ones. Neither
// has Arabic, Hebrew, Indic or Thai letters, or emoji.
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
	//go:embed DroidSansFallback.ttf
	East []byte
)
