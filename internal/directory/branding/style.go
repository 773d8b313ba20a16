package branding

import (
	"fmt"
	"regexp"
	"strings"
)

// A style sheet follows from its name alone: it has the two colours in it, so that nothing
// needs to be looked up, drafts can be shown before they are saved, and a browser may keep it
// for ever. The number in front goes up when other rules are written for the same colours.
const styleName = "colors-1."

var styleFile = regexp.MustCompile(`^colors-1\.([0-9a-f]{6}|none)\.([0-9a-f]{6}|none)\.css$`)

// StylePath returns where the style sheet with the colours of b is served, or "" when it has
// none. Whoever carries the class branded is shown in them.
func (b Branding) StylePath() string {
	if b.ActionColor == "" && b.BackgroundColor == "" {
		return ""
	}
	digits := func(c string) string {
		if c == "" {
			return "none"
		}
		return strings.ToLower(strings.TrimPrefix(c, "#"))
	}
	return Root + styleName + digits(b.ActionColor) + "." + digits(b.BackgroundColor) + ".css"
}

// Style returns the style sheet that the last part of its path names, or false when there is
// none: also for colours that nobody could have saved.
func Style(file string) (css string, ok bool) {
	found := styleFile.FindStringSubmatch(file)
	if found == nil {
		return "", false
	}
	var out strings.Builder
	if found[1] != "none" {
		c, err := ParseColor("#" + found[1])
		if err != nil {
			return "", false
		}
		p, err := NewPalette(c)
		if err != nil {
			return "", false
		}
		// Who asks for more contrast gets the product's own colours.
		fmt.Fprintf(&out, "@media not (prefers-contrast: more) {\n  .branded {\n")
		for _, v := range []struct {
			name        string
			light, dark Color
		}{
			{"action", p.Light.Action, p.Dark.Action},
			{"action-hover", p.Light.Hover, p.Dark.Hover},
			{"on-action", p.Light.On, p.Dark.On},
			{"action-wash", p.Light.Wash, p.Dark.Wash},
		} {
			fmt.Fprintf(&out, "    --%s: light-dark(%s, %s);\n", v.name, v.light, v.dark)
		}
		fmt.Fprintf(&out, "  }\n}\n")
	}
	if found[2] != "none" {
		c, err := ParseColor("#" + found[2])
		if err != nil {
			return "", false
		}
		toward := white
		if c.Luminance() > 0.4 {
			toward = Color{}
		}
		fmt.Fprintf(&out, ".branded {\n  --night: %s;\n  --night-near: %s;\n  --night-nearer: %s;\n}\n", c, c.mix(toward, 0.07), c.mix(toward, 0.15))
	}
	return out.String(), true
}
