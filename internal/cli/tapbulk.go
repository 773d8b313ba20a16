package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern-id/postern/internal/cli/bulk"
	"github.com/postern-id/postern/internal/cli/program"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graphclient"
)

// ErrSomeFailed says that not everybody of a list has got a pass.
var ErrSomeFailed = &fault.Error{
	Kind: fault.Conflict, Code: "somePassesFailed",
	Text: "Not everybody got a pass.", Remedy: "The result file says why. The same command tries again, and leaves those alone who have one.",
}

// ErrStopped says that a list was not worked through.
var ErrStopped = &fault.Error{
	Kind: fault.Unavailable, Code: "bulkStopped",
	Text: "The command was stopped.", Remedy: "The same command goes on where it stopped.",
}

// bulkPatience is the longest Retry-After that a list waits for.
const bulkPatience = 10 * time.Minute

// issueFrom issues passes to the people of a file. usual is what empty cells mean.
func (e *env) issueFrom(path, results string, usual passFlags) error {
	people, err := readPeople(e.command, path)
	if err != nil {
		return program.Usage(err)
	}
	if results == "" {
		if path == "-" {
			return program.Usagef("Say where the results go: --results FILE.")
		}
		results = strings.TrimSuffix(path, filepath.Ext(path)) + ".results.csv"
	}
	file, err := bulk.OpenResults(results)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(e.command.Context(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the command at once
	bar := newProgress(e.command.ErrOrStderr(), len(people), time.Now)
	run := bulk.Run{
		People: people, Results: file, Fatal: fatal, Lost: lost, Wait: graphclient.Wait, Now: time.Now, Step: bar.step,
		Issue: func(ctx context.Context, p bulk.Person) (graphclient.Pass, error) {
			in, err := usual.request(p, time.Now())
			if err != nil {
				return graphclient.Pass{}, err
			}
			return e.graph.CreatePass(ctx, p.User, in)
		},
	}
	summary, err := run.Do(ctx)
	bar.end()
	return e.bulkDone(summary, results, errors.Join(err, file.Close()))
}

func readPeople(c *cobra.Command, path string) ([]bulk.Person, error) {
	if path == "-" {
		return bulk.ReadPeople(c.InOrStdin())
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, bulk.ErrFile.With("", fmt.Sprintf("The list of people can't be read: %v.", err))
	}
	defer func() { _ = file.Close() }() // only read
	return bulk.ReadPeople(file)
}

// bulkDone says what came of a list.
func (e *env) bulkDone(s bulk.Summary, results string, err error) error {
	e.say("%d of %d have a pass: %d from this run, %d from an earlier one. %d failed, %d are left.",
		s.Issued+s.Earlier, s.Total, s.Issued, s.Earlier, s.Failed, s.Left())
	if s.Reissued > 0 {
		e.say("%d passes were issued again, because the characters of the first were lost. The first do not work any more.", s.Reissued)
	}
	if s.Earlier == s.Total {
		e.say("To issue new passes to all of them, name another result file with --results.")
	}
	var printed error
	if e.json {
		printed = e.printJSON(struct {
			bulk.Summary
			Results string `json:"results"`
		}{s, results})
	} else {
		printed = e.result(results)
	}
	switch {
	case errors.Is(err, context.Canceled):
		return ErrStopped.With("", fmt.Sprintf("The command was stopped; %d are left.", s.Left()))
	case err != nil:
		return err
	case printed == nil && s.Failed > 0:
		return ErrSomeFailed
	}
	return printed
}

// fatal reports what would meet everybody: no server, no sign-in.
func fatal(err error) bool {
	if refused, ok := errors.AsType[*graphclient.Error](err); ok {
		return refused.Status == 401 || refused.Status == 429
	}
	code := program.Code(err)
	return code == program.Unreachable || code == program.NotAllowed
}

// lost reports failures that leave open whether the server did what it was asked.
func lost(err error) bool {
	if refused, ok := errors.AsType[*graphclient.Error](err); ok {
		return refused.Status >= 500
	}
	return errors.Is(err, graphclient.ErrUnreachable) || errors.Is(err, graphclient.ErrAnswer)
}

// passFlags are what the flags of issue say of a pass.
type passFlags struct {
	lifetime time.Duration
	once     *bool
	start    string
	reason   string
	ticket   string
	check    string
	preset   string
	purpose  string
	device   string
	handOver string
}

// request is what to ask for p: their line first, then the flags.
func (f passFlags) request(p bulk.Person, now time.Time) (graphclient.PassRequest, error) {
	in := graphclient.PassRequest{
		IsUsableOnce: f.once, Reason: first(p.Reason, f.reason), Ticket: first(p.Ticket, f.ticket), Preset: f.preset,
		Purpose: f.purpose, DeviceID: f.device, HandOver: f.handOver,
	}
	if p.Purpose+p.Device != "" { // a line says both, or neither
		in.Purpose, in.DeviceID = p.Purpose, p.Device
	}
	if onDevice := in.Purpose == "signIn" || in.Purpose == "resetPin"; onDevice != (in.DeviceID != "") {
		return in, program.Usagef("--purpose signIn and --purpose resetPin need the id of a device, --device ID; nothing else takes one.")
	}
	if p.Once != nil {
		in.IsUsableOnce = p.Once
	}
	lifetime := f.lifetime
	if p.Lifetime != 0 {
		lifetime = p.Lifetime
	}
	if check := first(p.Check, f.check); check != "" {
		how, note, _ := strings.Cut(check, ":")
		in.Check = &graphclient.IdentityCheck{How: strings.TrimSpace(how), Note: strings.TrimSpace(note)}
	}
	err := passTimes(&in, lifetime, first(p.Start, f.start), now)
	return in, err
}

// progress shows how far a list is: a bar on a terminal, lines elsewhere.
type progress struct {
	out          io.Writer
	terminal     bool
	total        int
	done, failed int
	now          func() time.Time
	began        time.Time
	said         int // tenths
}

func newProgress(out io.Writer, total int, now func() time.Time) *progress {
	p := &progress{out: out, total: total, now: now, began: now()}
	if file, ok := out.(*os.File); ok {
		info, err := file.Stat()
		p.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
	}
	return p
}

const barWidth = 30

// step counts one person. A failure is told at once.
func (p *progress) step(o bulk.Outcome) {
	p.done++
	if o.Result == bulk.Failed {
		p.failed++
		p.clear()
		fmt.Fprintln(p.out, program.Printable(fmt.Sprintf("Line %d, %s: %s", o.Line, first(o.User, "nobody"), o.Message)))
	}
	if p.terminal {
		filled := barWidth * p.done / p.total
		left := p.now().Sub(p.began) / time.Duration(p.done) * time.Duration(p.total-p.done)
		fmt.Fprintf(p.out, "\r\x1b[K[%s%s] %d/%d, %d failed, %s left", strings.Repeat("#", filled), strings.Repeat(".", barWidth-filled),
			p.done, p.total, p.failed, left.Round(time.Second))
		return
	}
	if tenth := 10 * p.done / p.total; tenth > p.said {
		p.said = tenth
		fmt.Fprintf(p.out, "%d of %d, %d failed\n", p.done, p.total, p.failed)
	}
}

func (p *progress) clear() {
	if p.terminal {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}

func (p *progress) end() { p.clear() }
