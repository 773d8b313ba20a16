package design

import (
	"fmt"
	"html/template"
	"strings"

	"rsc.io/qr"
)

// QR draws text as a QR code in SVG, dark on light in every theme because many readers take
// nothing else, with the quiet zone that ISO/IEC 18004 section 6.3.8 wants. The label says
// what it is to who can't see it; text itself is in no attribute.
func QR(text, label string) (template.HTML, error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return "", fmt.Errorf("draw a QR code: %w", err)
	}
	const quiet = 4
	side := code.Size + 2*quiet
	var path strings.Builder
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			from := x
			for x < code.Size && code.Black(x, y) {
				x++
			}
			if x > from {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", from+quiet, y+quiet, x-from, x-from)
			}
		}
	}
	head := fmt.Sprintf(`<svg class="qr" viewBox="0 0 %d %d" role="img" shape-rendering="crispEdges" aria-label="`, side, side)
	light := fmt.Sprintf(`"><path fill="#fff" d="M0 0h%dv%dH0z"/><path fill="#000" d="`, side, side)
	return template.HTML(head + template.HTMLEscapeString(label) + light + path.String() + `"/></svg>`), nil
}
