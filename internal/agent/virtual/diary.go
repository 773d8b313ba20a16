package virtual

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/postern-id/postern/internal/fault"
)

// A line is one thing that the agent said.
type line struct {
	At     time.Time
	Text   string
	Detail string
	Code   string // of the fault that it is about
	Failed bool
}

// diaryLength is how many lines are kept.
const diaryLength = 200

// A diary keeps what the agent says last. It is a log handler, and hands on to the next one.
type diary struct {
	next slog.Handler
	now  func() time.Time // by the device's clock
	book *book
	name func(id string) string // of a person, where the device knows them
	with []slog.Attr
}

type book struct {
	mu    sync.Mutex
	lines []line // oldest first
}

func newDiary(next slog.Handler, now func() time.Time, name func(id string) string) *diary {
	return &diary{next: next, now: now, book: &book{}, name: name}
}

// latest returns the lines, newest first.
func (d *diary) latest(most int) []line {
	d.book.mu.Lock()
	defer d.book.mu.Unlock()
	out := slices.Clone(d.book.lines)
	slices.Reverse(out)
	return out[:min(len(out), most)]
}

// note writes a line that no log has.
func (d *diary) note(text, detail string) { d.write(line{At: d.now(), Text: text, Detail: detail}) }

func (d *diary) write(l line) {
	d.book.mu.Lock()
	defer d.book.mu.Unlock()
	d.book.lines = append(d.book.lines, l)
	if over := len(d.book.lines) - diaryLength; over > 0 {
		d.book.lines = slices.Delete(d.book.lines, 0, over)
	}
}

// Enabled implements slog.Handler.
func (d *diary) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo || d.next.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (d *diary) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelInfo {
		l := line{At: d.now(), Text: sentence(r.Message), Failed: r.Level > slog.LevelInfo}
		var details []string
		see := func(a slog.Attr) bool {
			value := a.Value.Resolve()
			if err, ok := value.Any().(error); ok {
				l.Code, l.Failed = codeOf(err), true
				details = append(details, err.Error())
				return true
			}
			if a.Key == "code" {
				l.Code = value.String()
				return true
			}
			details = append(details, d.detail(a.Key, value.String()))
			return true
		}
		for _, a := range d.with {
			see(a)
		}
		r.Attrs(see)
		l.Detail = strings.Join(details, ", ")
		d.write(l)
	}
	if !d.next.Enabled(ctx, r.Level) {
		return nil
	}
	return d.next.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (d *diary) WithAttrs(all []slog.Attr) slog.Handler {
	return &diary{next: d.next.WithAttrs(all), now: d.now, book: d.book, name: d.name, with: append(slices.Clip(d.with), all...)}
}

// WithGroup implements slog.Handler.
func (d *diary) WithGroup(name string) slog.Handler {
	return &diary{next: d.next.WithGroup(name), now: d.now, book: d.book, name: d.name, with: d.with}
}

// detail says one of a record's facts.
func (d *diary) detail(key, value string) string {
	if key == "user" || key == "account" {
		if name := d.name(value); name != "" {
			return name
		}
	}
	return fmt.Sprintf("%s %s", key, value)
}

func codeOf(err error) string {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f.Code
	}
	return ""
}

// sentence begins with a capital, as on a page.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
