package branding

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
)

// A Color is one of sRGB.
type Color struct{ R, G, B uint8 }

var hexColor = regexp.MustCompile(`^#[0-9A-Fa-f]{6}$`)

// ParseColor reads six hexadecimal digits after a #, or returns ErrColor.
func ParseColor(s string) (Color, error) {
	if !hexColor.MatchString(s) {
		return Color{}, ErrColor
	}
	n, err := strconv.ParseUint(s[1:], 16, 32)
	if err != nil {
		return Color{}, ErrColor
	}
	return Color{uint8(n >> 16), uint8(n >> 8), uint8(n)}, nil
}

// String writes c as ParseColor reads it.
func (c Color) String() string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }

// Luminance is the relative luminance of c, 0 for black and 1 for white (WCAG 2.2,
// https://www.w3.org/TR/WCAG22/#dfn-relative-luminance).
func (c Color) Luminance() float64 {
	linear := func(v uint8) float64 {
		s := float64(v) / 255
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c.R) + 0.7152*linear(c.G) + 0.0722*linear(c.B)
}

// Contrast is the contrast ratio of two colours, from 1 to 21
// (https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio).
func Contrast(a, b Color) float64 {
	x, y := a.Luminance(), b.Luminance()
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// mix returns c with the given share, from 0 to 1, of other.
func (c Color) mix(other Color, share float64) Color {
	part := func(a, b uint8) uint8 { return uint8(math.Round(float64(a) + share*(float64(b)-float64(a)))) }
	return Color{part(c.R, other.R), part(c.G, other.G), part(c.B, other.B)}
}

// Needed is the contrast that what is read must have with its ground (WCAG 2.2, 1.4.3).
const Needed = 4.5

// What colours stand on, from tokens.css: a test holds these to it.
var (
	white       = Color{0xff, 0xff, 0xff}
	lightGround = []Color{{0xf7, 0xf6, 0xf3}, white, {0xef, 0xed, 0xe8}}
	darkGround  = []Color{{0x12, 0x18, 0x1b}, {0x1a, 0x22, 0x25}, {0x0d, 0x12, 0x14}}
	onDark      = Color{0x06, 0x22, 0x2a} // words on a button, in dark
)

// darkAim is the contrast that a colour is lightened to for the dark theme: as clear as ours.
const darkAim = 7.5

// A Theme is a colour for what can be pressed and those that follow from it.
type Theme struct{ Action, Hover, On, Wash Color }

// A Palette is a tenant's colour in both themes. All that is read on it or in it has a
// contrast of Needed at least.
type Palette struct{ Light, Dark Theme }

// NewPalette returns what follows from c, or ErrContrast with how far it is off. The colour
// itself is that of the light theme; the dark theme has it lighter.
func NewPalette(c Color) (Palette, error) {
	if has := least(c, lightGround); has < Needed {
		return Palette{}, ErrContrast.With("postern_actionColor", fmt.Sprintf(
			"%s has a contrast of %.1f to the ground that it is read on, and %.1f are needed.", c, math.Floor(has*10)/10, Needed))
	}
	p := Palette{
		Light: Theme{Action: c, Hover: c.mix(Color{}, 0.25), On: white},
		Dark:  Theme{Action: c, On: onDark},
	}
	for share := 0.0; share <= 1 && least(p.Dark.Action, slices.Concat(darkGround, []Color{onDark})) < darkAim; share += 0.02 {
		p.Dark.Action = c.mix(white, share)
	}
	p.Dark.Hover = p.Dark.Action.mix(white, 0.35)
	p.Light.Wash = wash(p.Light.Action, white)
	p.Dark.Wash = wash(p.Dark.Action, darkGround[1])
	return p, nil
}

// least is the contrast of c to that of grounds which it differs least from.
func least(c Color, grounds []Color) float64 {
	lowest := 21.0
	for _, g := range grounds {
		lowest = min(lowest, Contrast(c, g))
	}
	return lowest
}

// wash is ground with as much of c as leaves c readable on it.
func wash(c, ground Color) Color {
	for share := 0.14; share > 0; share -= 0.02 {
		if w := ground.mix(c, share); Contrast(c, w) >= Needed {
			return w
		}
	}
	return ground
}
