package devices

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graphclient"
)

// ErrImport says that what was to be imported is none of the forms that there are.
var ErrImport = &fault.Error{
	Kind: fault.Invalid, Code: "consoleImport",
	Text:   "This can’t be read as a policy.",
	Remedy: "Paste the JSON of one policy, or lines of an OMA-URI, its type and its value.",
}

type importPage struct { // import.html
	console.Frame
	Typed string
}

// File implements console.Page.
func (importPage) File() string { return "import.html" }

func askImport(c *console.Call) error {
	return c.Show(http.StatusOK, importPage{Frame: c.Frame("settings")})
}

// importPolicy reads a policy from a file or from the form, and shows what would be created.
func importPolicy(c *console.Call) error {
	raw, err := uploaded(c.R)
	if err != nil {
		return err
	}
	book, err := catalogOf(c)
	if err != nil {
		return err
	}
	policy, err := readImport(raw)
	var answer graphclient.Object
	if err == nil {
		answer, err = c.Graph.PreviewDevicePolicy(c.Context(), "", policy)
	}
	if err != nil {
		p := importPage{Frame: c.Frame("settings"), Typed: strings.ToValidUTF8(string(raw), "\uFFFD")}
		if p.Fault = console.Explain(err); p.Fault == nil {
			return err
		}
		return c.Show(http.StatusBadRequest, p)
	}
	d := draftOf(answer, book)
	d.ID, d.ETag, d.Was, d.Targets = "", "", nil, nil
	return showStep(c, http.StatusOK, wizardPage{Step: "review", Draft: d}, book)
}

// uploaded is the file that was sent, or what was pasted when none was.
func uploaded(r *http.Request) ([]byte, error) {
	err := r.ParseMultipartForm(1 << 20)
	if err != nil && !errors.Is(err, http.ErrNotMultipart) {
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			return nil, err
		}
		return nil, ErrImport.With("", "The form did not arrive whole.")
	}
	file, _, err := r.FormFile("file")
	if err == nil {
		defer func() { _ = file.Close() }() // only read
		raw, err := io.ReadAll(file)
		if len(raw) > 0 || err != nil {
			return raw, err
		}
	}
	return []byte(r.FormValue("text")), nil
}

// readImport is what was sent as Graph takes it. What only the server it comes from can know is
// left out.
func readImport(raw []byte) (any, error) {
	raw = bytes.TrimSpace(bytes.TrimPrefix(raw, []byte("\xEF\xBB\xBF")))
	switch {
	case !utf8.Valid(raw):
		return nil, ErrImport.With("", "This is not text in UTF-8.")
	case len(raw) == 0:
		return nil, ErrImport.With("", "There is nothing to import yet.")
	case raw[0] == '.' || raw[0] == '#':
		return readLines(string(raw))
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		if at, ok := errors.AsType[*json.SyntaxError](err); ok {
			line := 1 + bytes.Count(raw[:min(int(at.Offset), len(raw))], []byte("\n"))
			return nil, ErrImport.With("", "This is not whole JSON: it breaks off or goes wrong in line "+strconv.Itoa(line)+".")
		}
		return nil, ErrImport
	}
	for _, name := range given {
		delete(members, name)
	}
	for name := range members {
		if strings.Contains(name, "@odata.") && name != "@odata.type" {
			delete(members, name)
		}
	}
	return members, nil
}

// readLines reads lines of an OMA-URI, its type and its value, as Intune's form for custom
// profiles asks for them.
func readLines(lines string) (any, error) {
	all := []graphclient.Object{}
	n := 0
	for line := range strings.Lines(lines) {
		n++
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		wrong := ErrImport.With("", "Line "+strconv.Itoa(n)+" is not an OMA-URI, a type (integer, boolean, string) and a value.")
		if len(words) < 2 {
			return nil, wrong
		}
		_, value, _ := strings.Cut(strings.TrimSpace(line), words[0])
		_, value, _ = strings.Cut(value, words[1])
		value = strings.TrimSpace(value)
		o := graphclient.Object{"omaUri": words[0]}
		switch strings.ToLower(words[1]) {
		case "int", "integer":
			number, err := strconv.Atoi(value)
			if err != nil {
				return nil, wrong
			}
			o["@odata.type"], o["value"] = "#microsoft.graph.omaSettingInteger", number
		case "bool", "boolean":
			truth, err := strconv.ParseBool(strings.ToLower(value))
			if err != nil {
				return nil, wrong
			}
			o["@odata.type"], o["value"] = "#microsoft.graph.omaSettingBoolean", truth
		case "chr", "string", "xml":
			o["@odata.type"], o["value"] = "#microsoft.graph.omaSettingString", value
		default:
			return nil, wrong
		}
		all = append(all, o)
	}
	return graphclient.Object{
		"@odata.type": "#microsoft.graph.windows10CustomConfiguration", "displayName": "OMA-URI", "omaSettings": all,
	}, nil
}
