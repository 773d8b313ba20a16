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
	out := OMASetting{URI: strings.Replace(s.URI, "{TenantId}", tenant, 1), Format: "chr"}
	switch s.Type {
	case Choice, Int:
		out.Format, out.Value = "int", strconv.FormatInt(v.n, 10)
	case Bool:
		out.Format, out.Value = "bool", strconv.FormatBool(v.Bool())
	case Text:
		out.Value = v.text
	case List:
		out.Value = strings.Join(v.list, s.delimiter())
	}
	if s.Payload != "" {
		out.Value = admx(s.Payload, out.Value)
	}
	return out
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
