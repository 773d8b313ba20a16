package devicepolicy

import (
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"

	"github.com/postern-id/postern/internal/fault"
)

// An OMASetting is a setting in the form of a custom profile of Intune: the node's URI, a
// format and one text (omaSettings of windows10CustomConfiguration).
type OMASetting struct {
	URI    string
	Format string // int, bool or chr
	Value  string
}

// ErrOMA says that an OMA-URI setting can't be read.
var ErrOMA = &fault.Error{Kind: fault.Invalid, Code: "omaSettingInvalid", Text: "The OMA-URI setting can't be read."}

// ToOMA writes v as a setting of a custom profile. tenant takes the place of {TenantId}.
func (s Setting) ToOMA(v Value, tenant string) OMASetting {
	out := OMASetting{URI: strings.Replace(s.URI, "{TenantId}", tenant, 1), Format: "chr", Value: s.Write(v)}
	switch s.Type {
	case Choice, Int:
		out.Format = "int"
	case Bool:
		out.Format = "bool"
	}
	if s.Payload != "" {
		out.Value = admx(s.Payload, out.Value)
	}
	return out
}

// Write returns v as one text: a list has the setting's delimiter between its items. [Setting.Read]
// makes a value of it again.
func (s Setting) Write(v Value) string {
	switch s.Type {
	case Choice, Int:
		return strconv.FormatInt(v.n, 10)
	case Bool:
		return strconv.FormatBool(v.Bool())
	case List:
		return strings.Join(v.list, s.delimiter())
	}
	return v.text
}

// Read makes a value of a text and checks it.
func (s Setting) Read(text string) (Value, error) {
	v, err := s.parse(text)
	if err != nil {
		return Value{}, ErrSettingValue.With(s.URI, s.Name+": "+err.Error()+".")
	}
	return v, s.Check(v)
}

// FromOMA reads a setting of a custom profile.
func FromOMA(in OMASetting, tenant string) (Setting, Value, error) {
	s, err := Find(in.URI, tenant)
	if err != nil {
		return s, Value{}, err
	}
	text := in.Value
	if s.Payload != "" {
		if text, err = fromADMX(s.Payload, text); err != nil {
			return s, Value{}, ErrOMA.With(in.URI, s.Name+": "+err.Error())
		}
	}
	v, err := s.parse(text)
	if err != nil {
		return s, Value{}, ErrOMA.With(in.URI, s.Name+": "+err.Error())
	}
	return s, v, s.Check(v)
}

func (s Setting) parse(text string) (Value, error) {
	switch s.Type {
	case Choice, Int:
		n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
		if err != nil {
			return Value{}, fmt.Errorf("a whole number is wanted")
		}
		return IntValue(n), nil
	case Bool:
		switch strings.ToLower(strings.TrimSpace(text)) {
		case "true", "1":
			return BoolValue(true), nil
		case "false", "0":
			return BoolValue(false), nil
		}
		return Value{}, fmt.Errorf("true or false is wanted")
	case List:
		var items []string
		for one := range strings.SplitSeq(text, s.delimiter()) {
			if one = strings.TrimSpace(one); one != "" {
				items = append(items, one)
			}
		}
		return ListValue(items...), nil
	}
	return TextValue(text), nil
}

// admx wraps a text in the payload of an ADMX-backed node.
// https://learn.microsoft.com/windows/client-management/understanding-admx-backed-policies
func admx(id, value string) string {
	var b strings.Builder
	b.WriteString(`<enabled/><data id="` + id + `" value="`)
	_ = xml.EscapeText(&b, []byte(value)) // a Builder never fails
	b.WriteString(`"/>`)
	return b.String()
}

func fromADMX(id, payload string) (string, error) {
	var doc struct {
		Enabled  *struct{} `xml:"enabled"`
		Disabled *struct{} `xml:"disabled"`
		Data     []struct {
			ID    string `xml:"id,attr"`
			Value string `xml:"value,attr"`
		} `xml:"data"`
	}
	if len(payload) > 8*maxText || xml.Unmarshal([]byte("<p>"+payload+"</p>"), &doc) != nil {
		return "", fmt.Errorf(`<enabled/><data id="%s" value="…"/> is wanted`, id)
	}
	if doc.Disabled != nil {
		return "", nil
	}
	for _, d := range doc.Data {
		if d.ID == id {
			return d.Value, nil
		}
	}
	return "", fmt.Errorf("the data %s is missing", id)
}
