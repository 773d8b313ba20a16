package pam

import (
	"strings"

	"rsc.io/qr"
)

// QR draws text as a QR code for a terminal, two rows of modules a line, light on dark, with
// the quiet zone that readers need (ISO/IEC 18004 section 6.3.8). Where text does not fit it
// is empty.
func QR(text string) string {
	code, err := qr.Encode(text, qr.L)
	if err != nil {
		return ""
	}
	const quiet = 2
	var out strings.Builder
	for y := -quiet; y < code.Size+quiet; y += 2 {
		for x := -quiet; x < code.Size+quiet; x++ {
			switch upper, lower := code.Black(x, y), code.Black(x, y+1); {
			case upper && lower:
				out.WriteByte(' ')
			case upper:
				out.WriteRune('▄')
			case lower:
				out.WriteRune('▀')
			default:
				out.WriteRune('█')
			}
		}
		out.WriteByte('\n')
	}
	return strings.TrimSuffix(out.String(), "\n")
}
