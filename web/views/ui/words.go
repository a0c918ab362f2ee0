package ui

import "github.com/a-h/templ"

// RiskIcon is the shape of a risk alone, for a row that says the word elsewhere.
func RiskIcon(risk string) templ.Component { return shape(risks[risk].kind) }

// VerdictLine is the shape of a verdict with other words than its name.
func VerdictLine(verdict, text string) templ.Component { return status{verdicts[verdict].kind, text} }

// VerdictIcon is the shape of a verdict alone, for a row that says the word elsewhere.
func VerdictIcon(verdict string) templ.Component { return shape(verdicts[verdict].kind) }
