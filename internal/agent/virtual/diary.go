package virtual

import (
	"context"
	"errors"
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
				details = append(details, strings.TrimSuffix(err.Error(), "."))
				return true
			}
			if a.Key == "code" {
				l.Code = value.String()
				return true
			}
			if text := d.detail(a.Key, value); text != "" {
				details = append(details, text)
			}
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

// details are facts of records in words, where a record has them as yes or no or by a short
// name.
var details = map[string]string{
	"offline true": "without the server", "pinSet true": "with a new PIN", "pinDue true": "the PIN was put off",
	"by pin": "by PIN", "by web": "by web sign-in",
}

// detail says one of a record's facts, or nothing where it goes without saying.
func (d *diary) detail(key string, value slog.Value) string {
	text := value.String()
	if said, ok := details[key+" "+text]; ok {
		return said
	}
	switch {
	case key == "user" || key == "account":
		if name := d.name(text); name != "" {
			return name
		}
	case key == "correlationId":
		return "id " + text[:min(len(text), shortID)]
	case key == "seat", value.Kind() == slog.KindBool && !value.Bool():
		return ""
	}
	return key + " " + text
}

// shortID is how much of a correlation id tells events of one device apart.
const shortID = 8

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
