package cli

import (
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/postern-id/postern/internal/cli/program"
	"github.com/postern-id/postern/internal/graphclient"
)

// result prints text alone on stdout.
func (e *env) result(text string) error {
	_, err := fmt.Fprintln(e.command.OutOrStdout(), program.Printable(text))
	return err
}

// line prints cells with a tab between them, as they come: what is as long as a file is no table.
func (e *env) line(cells ...string) error {
	for i, c := range cells {
		cells[i] = program.Printable(c)
	}
	_, err := fmt.Fprintln(e.command.OutOrStdout(), strings.Join(cells, "\t"))
	return err
}

func (e *env) printJSON(v any) error {
	enc := json.NewEncoder(e.command.OutOrStdout())
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// A column of a table: its head and the property that it shows, or the first that has a value
// of several with | between them.
type column struct{ head, property string }

// table prints at most top objects of all, every one if top is 0.
func (e *env) table(all iter.Seq2[graphclient.Object, error], top int, columns ...column) error {
	rows, err := collect(all, top)
	if err != nil {
		return err
	}
	if e.json {
		return e.printJSON(map[string]any{"value": rows})
	}
	return e.rows(rows, columns)
}

func collect(all iter.Seq2[graphclient.Object, error], top int) ([]graphclient.Object, error) {
	rows := []graphclient.Object{}
	for one, err := range all {
		if err != nil {
			return nil, err
		}
		rows = append(rows, one)
		if len(rows) == top {
			break
		}
	}
	return rows, nil
}

func (e *env) rows(rows []graphclient.Object, columns []column) error {
	if len(rows) == 0 {
		e.say("There is nothing to list.")
		return nil
	}
	w := tabwriter.NewWriter(e.command.OutOrStdout(), 0, 8, 2, ' ', 0)
	var heads []string
	for _, c := range columns {
		heads = append(heads, c.head)
	}
	fmt.Fprintln(w, strings.Join(heads, "\t"))
	for _, row := range rows {
		fmt.Fprintln(w, strings.Join(cells(row, columns), "\t"))
	}
	return w.Flush()
}

func cells(row graphclient.Object, columns []column) []string {
	var all []string
	for _, c := range columns {
		text := ""
		for name := range strings.SplitSeq(c.property, "|") {
			text = first(text, shown(row, name))
		}
		all = append(all, first(text, "-"))
	}
	return all
}

// shown is a property as people read it: a time to the second, which --json has exactly.
func shown(o graphclient.Object, name string) string {
	text := program.Printable(o.Text(name))
	if !strings.HasSuffix(name, "DateTime") {
		return text
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return text
	}
	return at.UTC().Format(time.RFC3339)
}

// object prints the properties of one object, one a line.
func (e *env) object(o graphclient.Object, properties ...string) error {
	if e.json {
		return e.printJSON(o)
	}
	w := tabwriter.NewWriter(e.command.OutOrStdout(), 0, 8, 2, ' ', 0)
	for _, name := range properties {
		if text := shown(o, name); text != "" {
			fmt.Fprintf(w, "%s\t%s\n", name, text)
		}
	}
	return w.Flush()
}
