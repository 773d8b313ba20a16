// Command bench measures the built program against what the machine can do, and prints one
// table. It exits with 1 where a goal is missed that is not known to be. Each limit is measured in the same run, by the same driver, so that the ratios mean
// the same on every machine and under every load. `make bench` runs it.
//
// It starts servers of its own on loopback with data in a temporary folder, and ends by
// itself after a few minutes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/postern-id/postern/test/live"
)

// bench is one run.
type bench struct {
	program string
	dir     string // temporary, on a real disk
	span    time.Duration
	users   int // of the large directory
	rounds  int // of what is timed one by one
	rows    []row
	out     io.Writer
}

// A row is one line of the table.
type row struct {
	name   string
	value  string
	of     string  // the limit or bound, in words
	ratio  float64 // of it; 0 for a limit itself
	atMost bool    // ratio must not exceed goal; otherwise it must reach it
	goal   float64
	known  bool // docs/performance.md says why the goal is missed
}

// met reports whether the goal was reached; a limit has none.
func (r row) met() bool {
	if r.of == "" {
		return true
	}
	if r.atMost {
		return r.ratio <= r.goal
	}
	return r.ratio >= r.goal
}

// missed is one error that names the goals that were missed, those excepted of which it is known, or nil.
func missed(rows []row) error {
	var names []string
	for _, r := range rows {
		if !r.met() && !r.known {
			names = append(names, r.name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return fmt.Errorf("goals were missed: %s", strings.Join(names, "; "))
}

func main() {
	b := &bench{out: os.Stdout}
	only := flag.String("only", "", "measure only these parts: `PARTS` of start,tokens,signins,firstpage,passkeys,users,readiness,agent,console")
	flag.DurationVar(&b.span, "span", 5*time.Second, "how long each rate is measured")
	flag.IntVar(&b.users, "users", 1_000_000, "people in the large directory")
	flag.IntVar(&b.rounds, "rounds", 9, "how often a start is measured")
	dir := flag.String("dir", "", "where the data goes; a temporary folder unless set")
	empty := flag.String("empty-handler", "", "for the bench itself: serve nothing, with the certificate in `DIR`")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	var err error
	if *empty != "" {
		err = serveNothing(ctx, *empty)
	} else {
		err = b.run(ctx, *dir, strings.FieldsFunc(*only, func(r rune) bool { return r == ',' }))
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (b *bench) run(ctx context.Context, dir string, only []string) (err error) {
	if dir == "" {
		if dir, err = os.MkdirTemp("", "postern-bench"); err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(dir) }()
	}
	b.dir = dir
	if b.program, err = live.Build(ctx, dir); err != nil {
		return err
	}
	for _, part := range []struct {
		name    string
		measure func(*bench, context.Context) error
	}{
		{"start", (*bench).measureStart},
		{"tokens", (*bench).measureTokens},
		{"signins", (*bench).measureSignIns},
		{"firstpage", (*bench).measureFirstPage},
		{"passkeys", (*bench).measurePasskeys},
		{"users", (*bench).measureUsers},
		{"readiness", (*bench).measureReadiness},
		{"agent", (*bench).measureAgent},
		{"console", (*bench).measureConsole},
	} {
		if len(only) > 0 && !slices.Contains(only, part.name) {
			continue
		}
		fmt.Fprintf(os.Stderr, "measuring %s…\n", part.name)
		if err := part.measure(b, ctx); err != nil {
			return errors.Join(fmt.Errorf("%s: %w", part.name, err), b.print()) // what was measured is told
		}
	}
	return b.print()
}

// rate adds a row for something a second, out of a limit.
func (b *bench) rate(name string, perSecond float64, of string, limit, goal float64) {
	b.rows = append(b.rows, row{name: name, value: fmt.Sprintf("%.0f/s", perSecond), of: fmt.Sprintf("%s, %.0f/s", of, limit), ratio: perSecond / limit, goal: goal})
}

// limit adds a row for a limit.
func (b *bench) limit(name string, perSecond float64) {
	b.rows = append(b.rows, row{name: name, value: fmt.Sprintf("%.0f/s", perSecond)})
}

// bound adds a row for what must not exceed a bound.
func (b *bench) bound(name, value, of string, ratio, goal float64) {
	b.rows = append(b.rows, row{name: name, value: value, of: of, ratio: ratio, atMost: true, goal: goal})
}

// print prints the table, and returns an error where a goal was missed.
func (b *bench) print() error {
	fmt.Fprintf(b.out, "%s %s/%s, %d cores, %v each\n\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0), b.span)
	w := tabwriter.NewWriter(b.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "what\tmeasured\tout of\tratio\tgoal\t")
	for _, r := range b.rows {
		if r.of == "" {
			fmt.Fprintf(w, "%s\t%s\t\t\tlimit\t\n", r.name, r.value)
			continue
		}
		sign, verdict := "≥", "met"
		if r.atMost {
			sign = "≤"
		}
		switch {
		case r.met():
		case r.known:
			verdict = "MISSED, as docs/performance.md says"
		default:
			verdict = "MISSED"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%.2f\t%s %.2f\t%s\n", r.name, r.value, r.of, r.ratio, sign, r.goal, verdict)
	}
	return errors.Join(w.Flush(), missed(b.rows))
}
