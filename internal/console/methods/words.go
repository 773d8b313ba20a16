package methods

import (
	"strconv"
	"strings"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// Label is what the setting is called in p: its own words there, or those that all policies share.
func (s setting) Label(c *console.Call, p policy) string {
	if own := "methods_" + p.Key + "_" + s.Name(); c.Text(own) != own {
		return c.Text(own)
	}
	return c.Text("methods_" + s.Name())
}

// shown says a value of the setting as people do.
func (s setting) shown(c *console.Call, text string, preview graphclient.Object) string {
	switch s.Kind {
	case kindCheck:
		return c.Text("methods_" + map[bool]string{true: "yes", false: "no"}[text == "true"])
	case kindLife:
		if text == "" {
			return s.Typed
		}
		n, unit := inUnit(text)
		if n == "1" {
			return c.Text("methods_1_" + unit)
		}
		return c.Text("methods_n_"+unit, "N", n)
	case kindNumber:
		if text == "" {
			return s.Typed
		}
		return text
	case kindLines:
		return count(c, "methods_lines", len(trimmed(text)))
	case kindWho:
		return whoShown(c, text, s.names)
	case kindSet, kindSome:
		var names []string
		for _, one := range trimmed(text) {
			names = append(names, c.Text("methods_short_"+one))
		}
		if len(names) == 0 {
			return c.Text("methods_none")
		}
		return strings.Join(names, ", ")
	case kindTargets:
		var names []string
		for _, t := range known(targetsFrom(text), preview) {
			name := t.name(c)
			if t.Mode != "" && t.Mode != "any" {
				name += " (" + c.Text("methods_mode_"+t.Mode) + ")"
			}
			names = append(names, name)
		}
		if len(names) == 0 {
			return c.Text("methods_nobody")
		}
		return strings.Join(names, ", ")
	}
	return c.Text(s.option(text))
}

// option is the key of words of a choice.
func (f field) option(value string) string {
	if value == "" {
		value = "unset"
	}
	return "methods_" + f.Name() + "_" + value
}

func (t target) name(c *console.Call) string {
	switch {
	case t.Everybody():
		return c.Text("methods_everybody")
	case t.Name != "":
		return t.Name
	}
	return t.ID
}

// count says how many, with words for one of their own.
func count(c *console.Call, key string, n int) string {
	switch n {
	case 0:
		return c.Text("methods_none")
	case 1:
		return c.Text(key + "_one")
	}
	return c.Text(key+"_many", "N", grouped(n))
}

func grouped(n int) string {
	text := strconv.Itoa(n)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}
