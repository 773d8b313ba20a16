package devicepolicy

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/postern-id/postern/internal/fault"
)

// A Setting is one entry of the catalog.
type Setting struct {
	// URI is the setting's name: that of the CSP node, with {TenantId} where the node has the
	// tenant's id.
	URI         string
	Name        string
	Description string // what it does, and how strong the effect is
	Category    string
	Type        Type
	Options     []Option // of a Choice
	Min, Max    int64    // of an Int
	Delimiter   string   // of a List in OMA-URI; empty is ;
	Default     Value
	// Platforms are those on which the agent acts on the setting. Others keep it and pass it on.
	Platforms []Platform
	// User says that the setting may differ between the people of one device.
	User bool
	// LockScreen says that the first lock screen needs it, before anybody has signed in.
	LockScreen bool
	// Stricter says, of two values, whether the first is the stricter one; nil where neither is.
	Stricter func(a, b Value) bool
	// Payload is the id of the text inside the XML of an ADMX-backed node, empty elsewhere.
	Payload string
	check   func(Value) string
}

// An Option is one value of a Choice.
type Option struct {
	Value int64
	Name  string
}

// Platform is an operating system that the agent runs on.
type Platform string

// The platforms.
const (
	Linux   Platform = "linux"
	Windows Platform = "windows10" // Intune's word, for Windows 10 and later
)

// Faults of settings.
var (
	ErrSettingUnknown = &fault.Error{
		Kind: fault.Invalid, Code: "deviceSettingUnknown",
		Text: "There is no such setting.", Remedy: "The catalog lists them: configurationSettings.",
	}
	ErrSettingValue = &fault.Error{Kind: fault.Invalid, Code: "deviceSettingValue", Text: "The setting can't have this value."}
)

// MaxItems is how many items a list has at most.
const MaxItems = 200

const maxText = 2048 // characters of a text and of an item of a list

// Check reports whether v is a value of s, in words that say what would be.
func (s Setting) Check(v Value) error {
	if why := s.refusal(v); why != "" {
		return ErrSettingValue.With(s.URI, s.Name+": "+why)
	}
	return nil
}

func (s Setting) refusal(v Value) string {
	switch s.Type {
	case Choice:
		if v.kind != Int || !slices.ContainsFunc(s.Options, func(o Option) bool { return o.Value == v.n }) {
			return "choose " + s.optionNames() + "."
		}
	case Int:
		if v.kind != Int || v.n < s.Min || v.n > s.Max {
			return fmt.Sprintf("a whole number from %d to %d.", s.Min, s.Max)
		}
	case Bool:
		if v.kind != Bool {
			return "true or false."
		}
	case Text:
		if v.kind != Text || !fine(v.text) {
			return fmt.Sprintf("a text of at most %d characters without control characters.", maxText)
		}
	case List:
		if v.kind != List || len(v.list) > MaxItems || slices.ContainsFunc(v.list, func(one string) bool {
			return one == "" || !fine(one) || strings.Contains(one, s.delimiter())
		}) {
			return fmt.Sprintf("a list of at most %d texts, none empty or with %q.", MaxItems, s.delimiter())
		}
	}
	if s.check != nil {
		return s.check(v)
	}
	return ""
}

func fine(text string) bool {
	return utf8.ValidString(text) && utf8.RuneCountInString(text) <= maxText &&
		!strings.ContainsFunc(text, func(r rune) bool { return r < 0x20 || r == 0x7f })
}

func (s Setting) optionNames() string {
	var all []string
	for _, o := range s.Options {
		all = append(all, fmt.Sprintf("%d (%s)", o.Value, o.Name))
	}
	return strings.Join(all, ", ")
}

func (s Setting) delimiter() string {
	if s.Delimiter == "" {
		return ";"
	}
	return s.Delimiter
}

// DefinitionID returns the setting's id in Graph: its URI in lower case, with _ for /
// (Intune's settings catalog).
func (s Setting) DefinitionID() string {
	path := strings.TrimPrefix(strings.ToLower(s.URI), "./")
	return strings.ReplaceAll(path, "/", "_")
}

// Find returns the setting with the given URI. ./Vendor/… is the same as ./Device/Vendor/…,
// case does not matter, and the tenant's own id may stand for {TenantId}.
func Find(uri, tenant string) (Setting, error) {
	name := strings.ToLower(strings.TrimSpace(uri))
	if rest, ok := strings.CutPrefix(name, "./vendor/"); ok {
		name = "./device/vendor/" + rest
	}
	if tenant != "" {
		name = strings.Replace(name, "/"+strings.ToLower(tenant)+"/", "/{tenantid}/", 1)
	}
	for _, s := range catalog {
		if strings.ToLower(s.URI) == name {
			return s, nil
		}
	}
	return Setting{}, ErrSettingUnknown.With("", fmt.Sprintf("There is no setting %q.", shortened(uri)))
}

// FindDefinition returns the setting with the given id of Graph.
func FindDefinition(id string) (Setting, error) {
	for _, s := range catalog {
		if s.DefinitionID() == strings.ToLower(id) {
			return s, nil
		}
	}
	return Setting{}, ErrSettingUnknown.With("settingDefinitionId", fmt.Sprintf("There is no setting %q.", shortened(id)))
}

func shortened(s string) string {
	if len(s) > 200 {
		return s[:200] + "…"
	}
	return s
}

// Catalog returns all settings, in the order in which people look for them.
func Catalog() []Setting { return slices.Clone(catalog) }
