package bulk

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/postern-id/postern/internal/graphclient"
)

// workers is how many passes are asked for at once. The server hashes slowly on purpose; more
// would only wait there.
const workers = 4

// Tries of one person while the server can't be reached or is broken, and the first pause
// between them, which doubles.
const (
	tries = 5
	pause = time.Second
)

// A Run issues passes to people. Every field is required.
type Run struct {
	People  []Person
	Results *Results
	// Issue issues one pass. It is called at once for several people.
	Issue func(ctx context.Context, p Person) (graphclient.Pass, error)
	// Fatal reports whether an error of Issue ends the run, because the next person would
	// meet it too.
	Fatal func(error) bool
	// Lost reports whether a pass may have been issued although Issue failed.
	Lost func(error) bool
	// Wait waits, or returns the error of ctx.
	Wait func(ctx context.Context, d time.Duration) error
	Now  func() time.Time
	// Step is called after each person, one call at a time.
	Step func(Outcome)
}

// A Summary counts the people of a run.
type Summary struct {
	Total    int `json:"total"`
	Earlier  int `json:"issuedEarlier"` // by an earlier run, left alone
	Issued   int `json:"issued"`
	Reissued int `json:"reissued"` // among Issued
	Failed   int `json:"failed"`
}

// Left is how many have no pass and did not fail.
func (s Summary) Left() int { return s.Total - s.Earlier - s.Issued - s.Failed }

// Do issues a pass to everyone who has none from an earlier run. When ctx ends it begins with
// nobody else, waits for what is under way, and returns its error. What one person meets stops
// nobody else, a Fatal error excepted, which is returned.
func (r *Run) Do(ctx context.Context) (Summary, error) {
	s := Summary{Total: len(r.People)}
	stop, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	jobs := make(chan Person)
	var step sync.Mutex
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for p := range jobs {
				o, err := r.one(stop, p)
				if err != nil {
					cancel(err)
					continue
				}
				step.Lock()
				s.count(o)
				r.Step(o)
				step.Unlock()
			}
		})
	}
	var todo []Person
	for _, p := range r.People {
		if o, ok := r.Results.Last(p.User); ok && o.Done() && p.Problem == "" {
			s.Earlier++
			continue
		}
		todo = append(todo, p)
	}
	for _, p := range todo {
		if stop.Err() != nil {
			break
		}
		select {
		case jobs <- p:
		case <-stop.Done():
		}
	}
	close(jobs)
	all.Wait()
	return s, context.Cause(stop)
}

func (s *Summary) count(o Outcome) {
	switch o.Result {
	case Issued:
		s.Issued++
	case Reissued:
		s.Issued++
		s.Reissued++
	case Failed:
		s.Failed++
	}
}

// one issues a pass to p and keeps what came of it. Before the server is asked, the file says
// so: when nothing follows, a pass may be lost, and the next run replaces it.
func (r *Run) one(ctx context.Context, p Person) (Outcome, error) {
	o := Outcome{Line: p.Line, User: p.User, At: r.Now()}
	if p.Problem != "" {
		o.Result, o.Message = Failed, p.Problem
		return o, r.keepProblem(p, o)
	}
	before, known := r.Results.Last(p.User)
	lost := known && before.Result == Started
	o.Result = Started
	if err := r.Results.Add(o); err != nil {
		return o, err
	}
	pass, err := r.issue(ctx, p, &lost)
	o.At = r.Now()
	switch {
	case err != nil && (r.Fatal(err) || ctx.Err() != nil && lost):
		if !lost {
			o.Result, o.Message = Failed, err.Error()
			err = errors.Join(err, r.Results.Add(o))
		}
		return o, err
	case err != nil:
		o.Result, o.Message = Failed, err.Error()
	default:
		o.Result, o.Pass, o.From, o.Until, o.Once = Issued, graphclient.NewSecret(*pass.TemporaryAccessPass), pass.StartDateTime, pass.End(), pass.IsUsableOnce
		if lost {
			o.Result, o.Message = Reissued, "A pass that was issued before was lost with the connection or the command, and does not work any more."
		}
	}
	return o, r.Results.Add(o)
}

// keepProblem keeps a line that is wrong by itself, unless it is a second one of somebody.
func (r *Run) keepProblem(p Person, o Outcome) error {
	if p.User == "" {
		return nil
	}
	if before, there := r.Results.Last(p.User); there && (before.Result != Failed || before.Line != p.Line) {
		return nil
	}
	return r.Results.Add(o)
}

// issue asks until the server answers, and notes when a pass may have been lost. A request
// that is under way is not cut off when the run is stopped: its pass would be lost.
func (r *Run) issue(ctx context.Context, p Person, lost *bool) (graphclient.Pass, error) {
	d := pause
	for try := 1; ; try++ {
		pass, err := r.Issue(context.WithoutCancel(ctx), p)
		if err == nil && pass.TemporaryAccessPass == nil {
			err = graphclient.ErrAnswer
		}
		if err == nil {
			return pass, nil
		}
		again := r.Lost(err)
		*lost = *lost || again
		if !again || try == tries {
			return pass, err
		}
		if r.Wait(ctx, d) != nil {
			return pass, err
		}
		d *= 2
	}
}
