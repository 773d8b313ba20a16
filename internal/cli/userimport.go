package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/cli/program"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graphclient"
	"github.com/postern-id/postern/internal/graphclient/peoplefile"
)

// ErrSomeRows reports an import of which some rows were refused.
var ErrSomeRows = &fault.Error{
	Kind: fault.Conflict, Code: "someRowsRefused",
	Text: "Some rows were refused, or name a manager who is not there.", Remedy: "Correct them and import the file again; what is in place is left alone.",
}

func userImport() *cobra.Command {
	var dry bool
	c := &cobra.Command{
		Use: "import FILE", Short: "Add and change people as a CSV file says", Args: cobra.ExactArgs(1),
		Long: `Adds and changes people as a CSV file says, whose first line names the columns by Graph's
names: userPrincipalName, externalId, employeeId, displayName, givenName, surname, mail, jobTitle,
department, manager, employeeHireDate, accountEnabled and others (docs/cli.md). A person is found by
externalId, else employeeId, else userPrincipalName. An empty value changes nothing. The same file twice
changes nothing the second time. One line for each person that is not left alone: what, line, name, and which
properties or why not.`,
		Example: "  postern user import hires.csv --dry-run\n  postern user import hires.csv",
	}
	c.Flags().BoolVar(&dry, "dry-run", false, "only tell what would be done")
	return verb(c, func(e *env, args []string) error {
		file, err := os.Open(args[0])
		if err != nil {
			return program.Usagef("%v", err)
		}
		defer func() { _ = file.Close() }()
		return newImporter(e, dry).run(file)
	})
}

// An importer sends a file in parts, as large as the server has time for.
type importer struct {
	e       *env
	dry     bool
	now     func() time.Time
	wait    func(context.Context, time.Duration) error
	pace    pace
	place   int  // the last line that was answered, in the first pass
	doubted bool // some rows were sent twice, because the first answer did not come
	columns []string
	keys    map[int]string // the columns that name a person, by their place
	// managerAt is the place of the manager's column, from 1; 0 where there is none.
	managerAt int
	seen      map[string]int // the line of each name
	people    map[string]any // the line about somebody who was there, by id
	counts    map[string]int
	part      []graphclient.Object
	// later are rows whose manager was not there: they may come further down in the file.
	later []graphclient.Object
	// managers are whom the rows name as such, by line; alone are the lines whose manager is nowhere.
	managers map[int]string
	alone    int
}

func newImporter(e *env, dry bool) *importer {
	return &importer{e: e, dry: dry, now: time.Now, wait: graphclient.Wait, seen: map[string]int{}, people: map[string]any{}, managers: map[int]string{}, counts: map[string]int{}}
}

func (i *importer) run(file io.Reader) error {
	r, err := peoplefile.Open(file)
	if err != nil {
		return err
	}
	i.columns, i.keys = r.Columns, map[int]string{}
	for at, name := range r.Columns {
		switch low := strings.ToLower(name); low {
		case "userprincipalname", "externalid", "employeeid":
			i.keys[at] = low
		case "manager":
			i.managerAt = at + 1
		}
	}
	if len(i.keys) == 0 {
		return peoplefile.ErrFile.With("", "No column names the person: userPrincipalName, externalId or employeeId.")
	}
	for {
		line, values, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			err = errors.Join(i.send(false), err)
			i.sum()
			return err
		}
		if err := i.add(line, values); err != nil {
			i.sum()
			return err
		}
	}
	err = i.send(false)
	if err == nil {
		err = i.again()
	}
	i.sum()
	if err == nil && (i.counts["refused"] > 0 || i.alone > 0) {
		err = ErrSomeRows
	}
	return err
}

// sum says what was done, also where it ends before the file does.
func (i *importer) sum() {
	would := map[bool]string{true: "would be "}[i.dry]
	i.e.say("%d %sadded, %d %schanged, %d left alone, %d refused.", i.counts["added"], would, i.counts["changed"], would, i.counts["left"], i.counts["refused"])
	if i.doubted {
		i.e.say("Where an answer did not come in time, who had been added or changed by then counts as left alone.")
	}
}

// add takes one row; the second one about a person is refused here, for it may be in another part.
func (i *importer) add(line int, values []string) error {
	for at, key := range i.keys {
		if at >= len(values) || values[at] == "" {
			continue
		}
		name := key + "\x00" + strings.ToLower(values[at])
		if first, twice := i.seen[name]; twice {
			i.counts["refused"]++
			return i.e.line("refused", fmt.Sprint(line), values[at], fmt.Sprintf("Line %d is about the same person.", first))
		}
		i.seen[name] = line
	}
	if i.managerAt > 0 && i.managerAt <= len(values) {
		if m := strings.ToLower(strings.TrimSpace(values[i.managerAt-1])); m != "" {
			i.managers[line] = m
		}
	}
	i.part = append(i.part, graphclient.Object{"row": line, "values": values})
	if len(i.part) == importMost {
		return i.send(false)
	}
	return nil
}

// again sends the rows once more whose manager was not there, now that everybody is.
func (i *importer) again() error {
	if i.dry {
		return i.foresee()
	}
	rows := i.later
	i.later = nil
	for len(rows) > 0 {
		n := min(importMost, len(rows))
		i.part, rows = rows[:n:n], rows[n:]
		if err := i.send(true); err != nil {
			return err
		}
	}
	for _, row := range i.later {
		i.nobody(row["row"])
	}
	return nil
}

func (i *importer) nobody(line any) {
	i.alone++
	i.e.say("Line %v: the manager is not there.", line)
}

// foresee tells of the rows whose manager is not there what will become of them once everybody of the file is.
func (i *importer) foresee() error {
	for _, row := range i.later {
		line, ok := row["row"].(int)
		if !ok || i.above(line) == 0 {
			i.nobody(row["row"])
			continue
		}
		met := map[int]bool{}
		for at := i.above(line); at > 0 && !met[at]; at = i.above(at) {
			if met[at] = true; at != line {
				continue
			}
			i.counts["refused"]++
			if err := i.e.line("refused", fmt.Sprint(line), i.managers[line], ownManager); err != nil {
				return err
			}
		}
	}
	return nil
}

// above is the line of the manager whom a line names, or 0.
func (i *importer) above(line int) int {
	m := i.managers[line]
	if m == "" {
		return 0
	}
	for _, key := range i.keys {
		if at := i.seen[key+"\x00"+m]; at > 0 {
			return at
		}
	}
	return 0
}

// ownManager is what the server says, once everybody is there, of whose manager they would be themselves.
const ownManager = "A person can't be their own manager, not even through others."

// send sends the rows that wait, and tells what became of them. A server that has not time for all of them
// answers the first ones; the others go into the next request. Where no answer comes, fewer rows are sent again.
func (i *importer) send(second bool) error {
	for len(i.part) > 0 {
		rows := i.part[:i.pace.next(len(i.part))]
		answers, err := i.ask(rows)
		if err != nil && unanswered(err) {
			if err := i.retry(rows, err); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		for at, row := range answers {
			if err := i.took(rows[at], row, second); err != nil {
				return err
			}
		}
		i.part = i.part[len(answers):]
	}
	i.part = nil
	return nil
}

// ask sends rows in one request and returns what became of the first of them, one at least.
func (i *importer) ask(rows []graphclient.Object) ([]graphclient.Object, error) {
	begun := i.now()
	result, err := i.e.graph.ImportPeople(i.e.command.Context(), i.columns, rows, i.dry)
	if err != nil {
		return nil, err
	}
	answers := result.Objects("rows")
	if len(answers) == 0 || len(answers) > len(rows) {
		return nil, graphclient.ErrAnswer
	}
	i.pace.took(len(answers), i.now().Sub(begun))
	return answers, nil
}

// retry waits before rows are sent again, or says that it is of no use.
func (i *importer) retry(rows []graphclient.Object, err error) error {
	more := i.pace.missed(len(rows))
	if !more {
		text := fmt.Sprintf("The server does not answer any more. The lines up to %d are done.", i.place)
		return fmt.Errorf("%w (%w)", ErrImportStopped.With("", text), err)
	}
	i.doubted = i.doubted || !i.dry
	i.e.say("Line %v: no answer. %v Sending fewer rows in %s.", rows[0]["row"], err, i.pace.pause)
	return i.wait(i.e.command.Context(), i.pace.pause)
}

// took notes what became of a row.
func (i *importer) took(sent, row graphclient.Object, second bool) error {
	if row["managerMissing"] == true {
		i.later = append(i.later, sent)
	}
	outcome, _ := row["outcome"].(string)
	if id, _ := row["userId"].(string); id != "" && !second { // the server knows the rows of one request
		if first, twice := i.people[id]; twice {
			i.e.say("Line %v is about the same person as line %v, by another name: what it says came last.", sent["row"], first)
		}
		i.people[id] = sent["row"]
	}
	if line, ok := sent["row"].(int); ok && !second {
		i.place = line
	}
	if second && outcome != "refused" {
		return nil // counted the first time
	}
	i.counts[outcome]++
	return i.tell(outcome, row)
}

func (i *importer) tell(outcome string, row map[string]any) error {
	if i.e.json {
		return i.e.printJSON(row)
	}
	if outcome == "left" {
		return nil
	}
	name, _ := row["userPrincipalName"].(string)
	return i.e.line(outcome, fmt.Sprint(row["row"]), name, details(row))
}

// details are the properties that differ, or why a row was refused.
func details(row map[string]any) string {
	if refused, ok := row["error"].(map[string]any); ok {
		text, _ := refused["message"].(string)
		return text
	}
	changes, _ := row["changes"].([]any)
	var all []string
	for _, x := range changes {
		c, _ := x.(map[string]any)
		if row["outcome"] == "added" {
			all = append(all, fmt.Sprint(c["displayName"]))
		} else {
			all = append(all, fmt.Sprintf("%v: %v → %v", c["displayName"], c["oldValue"], c["newValue"]))
		}
	}
	return strings.Join(all, ", ")
}
