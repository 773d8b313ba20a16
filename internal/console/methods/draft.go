package methods

import (
	"net/url"
	"slices"
	"strings"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// A draft is a policy as somebody is editing it. Values are text, as field.of returns it.
type draft struct {
	policy   policy
	tag      string // of the version that is there
	now      graphclient.Object
	Settings []*setting
	// ByName finds a setting, the targets among them.
	byName map[string]*setting
	names  map[string]string // of those whom scopes name, by id
}

// A setting is a field with its values.
type setting struct {
	field
	Title string // what it is called
	Now   string // that is there
	Was   string // that was there when the form was opened
	Then  string // that somebody wants
	// Typed and Unit are what was typed for a number that may be none; Wrong says why it is none,
	// and Problem which rule it breaks.
	Typed, Unit, Wrong, Problem string

	names map[string]string // as in draft
	// Bearers are those whom a scope names.
	Bearers []bearer
}

// Chosen is which of all, some and nobody a scope is.
func (s setting) Chosen() string {
	first, _, _ := strings.Cut(s.Then, "\n")
	return first
}

// Has reports whether the value is a list with one in it.
func (s setting) Has(one string) bool { return slices.Contains(trimmed(s.Then), one) }

// Changed reports whether saving would change the setting.
func (s setting) Changed() bool { return s.Wrong != "" || s.Then != s.Now }

// lifted is the field of a list of targets, which the form draws in its own way.
func lifted(name string) field { return field{Path: name, Kind: kindTargets} }

const kindTargets kind = "targets"

// draftOf returns the policy as it is.
func draftOf(p policy, now graphclient.Object, tag string) *draft {
	d := &draft{policy: p, tag: tag, now: now, byName: map[string]*setting{}}
	fields := slices.Clip(slices.Clone(p.fields))
	if p.targets {
		fields = append(fields, lifted(include), lifted(exclude))
	}
	for _, f := range fields {
		s := &setting{field: f}
		if f.Kind == kindTargets {
			s.Now = targetsOf(now, f.Path)
		} else {
			s.Now = f.of(now)
		}
		s.set(s.Now)
		s.Was = s.Now
		d.byName[f.Name()] = s
		d.Settings = append(d.Settings, s)
	}
	return d
}

// set makes text what is wanted.
func (s *setting) set(text string) {
	s.Then, s.Typed, s.Unit, s.Wrong = text, text, "", ""
	if s.Kind == kindLife {
		s.Typed, s.Unit = inUnit(text)
	}
}

// canon undoes what forms do to lines.
func canon(text string) string { return strings.Join(trimmed(text), "\n") }

// fill takes what a form says.
func (d *draft) fill(c *console.Call) {
	form := c.R.Form
	for _, s := range d.Settings {
		name := s.Name()
		s.Was = canon(form.Get("was:" + name))
		if s.Kind == kindTargets {
			s.set(edited(c, s.Path, strings.Join(form[strings.TrimSuffix(s.Path, "Targets")], "\n")))
			continue
		}
		s.read(form)
	}
}

func (s *setting) read(form url.Values) {
	value, typed, unit, wrong := s.typed(form)
	if s.Kind == kindLines {
		value = canon(value)
	}
	s.set(value)
	if s.Kind == kindNumber || s.Kind == kindLife {
		s.Typed, s.Unit, s.Wrong = typed, unit, wrong
	}
}

// fillFrom takes the values of a policy in Graph's form.
func (d *draft) fillFrom(o graphclient.Object) {
	for _, s := range d.Settings {
		if s.Kind == kindTargets {
			s.set(targetsOf(o, s.Path))
			continue
		}
		if lookUp(o, s.Path) != nil {
			s.set(s.of(o))
		}
	}
}

// Changes are the settings that saving would change.
func (d *draft) Changes() []*setting {
	var all []*setting
	for _, s := range d.Settings {
		if s.Changed() {
			all = append(all, s)
		}
	}
	return all
}

// broken is the first setting that can't be saved.
func (d *draft) broken() *setting {
	for _, s := range d.Settings {
		if s.Wrong != "" || s.Problem != "" {
			return s
		}
	}
	return nil
}

// body is the PATCH that makes what is there what is wanted.
func (d *draft) body() graphclient.Object {
	change := graphclient.Object{}
	for _, s := range d.Changes() {
		switch {
		case s.Wrong != "":
		case s.Kind == kindTargets:
			change[s.Path] = d.policy.targetValues(s.Path, s.Then)
		default:
			s.put(change, d.now, s.Then)
		}
	}
	return change
}

// disputed are the settings by which the form and what is there have parted since it was opened.
func (d *draft) disputed() []*setting {
	var all []*setting
	for _, s := range d.Settings {
		if s.Now != s.Was || s.Then != s.Was {
			all = append(all, s)
		}
	}
	return all
}

// Whose says who changed a setting since the form was opened: you, they, both, or same when both
// made the same of it.
func (s setting) Whose() string {
	switch {
	case s.Then == s.Now:
		return "same"
	case s.Now == s.Was:
		return "you"
	case s.Then == s.Was:
		return "they"
	}
	return "both"
}

// merge takes of each setting what was chosen of the two, and reports whether all was.
func (d *draft) merge(c *console.Call) bool {
	whole := true
	for _, s := range d.Settings {
		name := s.Name()
		s.Was = canon(c.R.Form.Get("was:" + name))
		mine, sent := c.R.Form["mine:"+name]
		if !sent {
			s.set(s.Now)
			continue
		}
		switch s.set(canon(mine[0])); c.R.Form.Get("pick:" + name) {
		case "mine":
		case "theirs":
			s.set(s.Now)
		default:
			whole = whole && s.Whose() != "both"
		}
	}
	return whole
}
