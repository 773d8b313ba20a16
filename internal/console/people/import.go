package people

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
	"github.com/postern-id/postern/internal/graphclient/peoplefile"
)

// importPart is how many rows of a file are sent together, and so are behind one step of the page.
const importPart = 200

// How many bytes a file has at most, and the form that carries it from step to step with what is known so far: browsers make
// the end of each line longer, too.
const (
	importMost = 1 << 20
	importForm = 4 << 20
)

// An importPage shows what becomes, or would become, of part of a file. The file goes back and forth with the
// form, so that nothing of people is kept on the way.
type importPage struct { // import.html
	console.Frame
	Text   string
	Real   bool // else only what would change
	Total  int  // rows in the file
	From   int  // of the next part
	Done   bool
	Again  bool   // those whose manager came further down are looked at once more
	Later  string // lines of those, with commas
	Met    met    // who the rows so far were about
	Counts map[string]int
	Rows   []imported
	Begun  bool // a file is there
}

// File implements console.Page.
func (importPage) File() string { return "import.html" }

// Outcomes are what may become of a row.
func (importPage) Outcomes() []string { return []string{"added", "changed", "left", "refused"} }

// Would reports whether something would be stored by the file.
func (p importPage) Would() int { return p.Counts["added"] + p.Counts["changed"] }

// imported is what became of one row.
type imported struct {
	Line             int
	Outcome, Name    string
	Why              string
	Changes          []change
	ManagerIsMissing bool
	User             string // id of whom it is about, if they were there
	Before           int    // line of an earlier part that is about the same person; 0 for none
}

type change struct{ Property, Old, New string }

// askImport serves GET /console/people/import.
func askImport(c *console.Call) error {
	return c.Show(http.StatusOK, importPage{Frame: c.Frame("people")})
}

// importFile serves POST /console/people/import: the next part of a file, at first without storing anything.
func importFile(c *console.Call) error {
	text, err := uploaded(c)
	if f := console.Explain(err); f != nil {
		p := importPage{Frame: c.Frame("people")}
		p.Fault = f
		return c.Show(http.StatusBadRequest, p)
	} else if err != nil {
		return err
	}
	p := importPage{Frame: c.Frame("people"), Text: text, Real: c.Form("mode") == "real", Again: c.Form("again") != "", Later: c.Form("later"), Met: met(c.Form("met")), Counts: map[string]int{}, Begun: true}
	p.From, _ = strconv.Atoi(c.Form("from"))
	for _, outcome := range p.Outcomes() {
		p.Counts[outcome], _ = strconv.Atoi(c.Form(outcome))
	}
	if err := p.step(c); err != nil {
		if p.Fault = console.Explain(err); p.Fault == nil {
			return err
		}
		p.Begun = p.From > 0
		return c.Show(http.StatusBadRequest, p)
	}
	return c.Show(http.StatusOK, p)
}

// uploaded is the file that was sent, or the one that the form brings along.
func uploaded(c *console.Call) (string, error) {
	if err := c.R.ParseMultipartForm(1 << 20); err != nil && !errors.Is(err, http.ErrNotMultipart) {
		return "", err
	}
	file, _, err := c.R.FormFile("file")
	if err == nil {
		defer func() { _ = file.Close() }() // only read
		raw, err := io.ReadAll(file)
		if len(raw) > importMost {
			return "", &http.MaxBytesError{Limit: importMost}
		}
		if err != nil {
			return "", err
		}
		if len(raw) > 0 {
			return asText(raw)
		}
	}
	return c.R.FormValue("text"), nil
}

// asText is a file as a form can carry it. What is no UTF-8 is read as peoplefile reads it, and written anew; a
// file that can't be read to its end is refused whole.
func asText(raw []byte) (string, error) {
	if utf8.Valid(raw) {
		return strings.TrimPrefix(string(raw), "\ufeff"), nil
	}
	r, err := peoplefile.Open(bytes.NewReader(raw))
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString(quoted(r.Columns))
	for {
		_, values, err := r.Next()
		if errors.Is(err, io.EOF) {
			return b.String(), nil
		} else if err != nil {
			return "", err
		}
		b.WriteString(quoted(values))
	}
}

func quoted(values []string) string {
	all := make([]string, len(values))
	for i, v := range values {
		all[i] = `"` + strings.ReplaceAll(v, `"`, `""`) + `"`
	}
	return strings.Join(all, ",") + "\n"
}

// A fileRow is a line of the file; why says that it is about somebody who was there before.
type fileRow struct {
	line   int
	values []string
	name   string // of whom it is about, where it says so
	why    string
}

// rowsOf reads the file. Of two rows about one person the second is refused.
func rowsOf(text string) (columns []string, rows []fileRow, err error) {
	r, err := peoplefile.Open(strings.NewReader(text))
	if err != nil {
		return nil, nil, err
	}
	keys := map[int]string{}
	for i, name := range r.Columns {
		if low := strings.ToLower(name); slices.Contains([]string{"userprincipalname", "externalid", "employeeid"}, low) {
			keys[i] = low
		}
	}
	if len(keys) == 0 {
		return nil, nil, peoplefile.ErrFile.With("", "No column names the person: userPrincipalName, externalId or employeeId.")
	}
	seen := map[string]int{}
	for {
		line, values, err := r.Next()
		if errors.Is(err, io.EOF) {
			return r.Columns, rows, nil
		}
		if err != nil {
			return nil, nil, err
		}
		one := fileRow{line: line, values: slices.Clone(values)}
		for i, key := range keys {
			if i >= len(values) || values[i] == "" {
				continue
			}
			if key == "userprincipalname" || one.name == "" {
				one.name = values[i]
			}
			name := key + "\x00" + strings.ToLower(values[i])
			if first, twice := seen[name]; twice {
				one.why = fmt.Sprintf("Line %d is about the same person.", first)
			} else {
				seen[name] = line
			}
		}
		rows = append(rows, one)
	}
}

// step does one part of the file.
func (p *importPage) step(c *console.Call) error {
	columns, rows, err := rowsOf(p.Text)
	if err != nil {
		return err
	}
	p.Total = len(rows)
	if p.Again {
		later := map[string]bool{}
		for line := range strings.SplitSeq(p.Later, ",") {
			later[line] = true
		}
		rows = slices.DeleteFunc(rows, func(r fileRow) bool { return !later[strconv.Itoa(r.line)] })
	}
	from := min(max(p.From, 0), len(rows))
	before := p.Met.lines(rows[:from])
	done, err := p.send(c, columns, rows[from:min(from+importPart, len(rows))], before)
	if err != nil {
		return err
	}
	p.From = from + done
	if p.From < len(rows) {
		return nil
	}
	if p.Real && p.Later != "" && !p.Again {
		p.Again, p.From, p.Met = true, 0, ""
		return nil
	}
	p.Done = true
	return nil
}

// send sends rows, tells what became of them and who of them stood before, and returns for how many of them the server had the time.
func (p *importPage) send(c *console.Call, columns []string, rows []fileRow, before map[string]int) (done int, err error) {
	var send []graphclient.Object
	for _, r := range rows {
		if r.why == "" {
			send = append(send, graphclient.Object{"row": r.line, "values": r.values})
		}
	}
	var answers []graphclient.Object
	if len(send) > 0 {
		answer, err := c.Graph.ImportPeople(c.Context(), columns, send, !p.Real)
		if err != nil {
			return 0, err
		}
		if answers = answer.Objects("rows"); len(answers) == 0 {
			return 0, graphclient.ErrAnswer
		}
	}
	for _, r := range rows {
		switch {
		case r.why != "":
			p.tell(imported{Line: r.line, Outcome: "refused", Name: r.name, Why: r.why})
			p.Met += unmet
		case len(answers) == 0:
			return done, nil
		default:
			one := importedOf(answers[0])
			who := metAs(one.User)
			one.Before = before[string(who)]
			p.tell(one)
			p.Met += who
			answers = answers[1:]
		}
		done++
	}
	return done, nil
}

// tell counts what became of a row, and shows it if there is something to see.
func (p *importPage) tell(r imported) {
	if p.Again {
		if r.ManagerIsMissing || r.Outcome == "refused" {
			p.Rows = append(p.Rows, r)
		}
		return // counted the first time
	}
	p.Counts[r.Outcome]++
	if r.ManagerIsMissing {
		p.Later = strings.TrimPrefix(p.Later+","+strconv.Itoa(r.Line), ",")
	}
	if r.Outcome != "left" || r.Before > 0 {
		p.Rows = append(p.Rows, r)
	}
}

func importedOf(o graphclient.Object) imported {
	line, _ := strconv.Atoi(o.Text("row"))
	r := imported{Line: line, Outcome: o.Text("outcome"), Name: o.Text("userPrincipalName"), Why: o.Text("error/message"), ManagerIsMissing: o["managerMissing"] == true, User: o.Text("userId")}
	for _, x := range o.Objects("changes") {
		r.Changes = append(r.Changes, change{x.Text("displayName"), plain(x.Text("oldValue")), plain(x.Text("newValue"))})
	}
	return r
}

// plain is a value of the log, which is JSON, as people write it.
func plain(value string) string {
	var text *string
	if err := json.Unmarshal([]byte(value), &text); err != nil {
		return value
	}
	if text == nil {
		return ""
	}
	return *text
}
