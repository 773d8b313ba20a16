// Package docs carries the pages of the documentation that the program itself shows, so that
// there is one text of each.
package docs

import _ "embed"

// Errors is the list of codes: one row of a table each, as Codes reads it.
//
//go:embed errors.md
var Errors string
