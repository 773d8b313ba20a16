package cli

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graphclient"
)

// How an import asks. A client waits half a minute for an answer, so that a request that takes five
// seconds has room for a server that becomes slower meanwhile.
const (
	importFirst = 50              // rows of the first request
	importMost  = 200             // rows of any
	importGoal  = 5 * time.Second // what a request should take
	importTries = 8               // requests in a row without an answer, after which an import ends
	importPause = time.Second     // before the second of them; it doubles
	importLong  = 30 * time.Second
)

// ErrImportStopped reports an import that ended because no answer came any more.
var ErrImportStopped = &fault.Error{
	Kind: fault.Unavailable, Code: "importStopped",
	Text: "The server does not answer any more.", Remedy: "Once it does, run the same command again: whoever is in place is left alone, and nobody is added twice.",
}

// A pace is how many rows the next request holds.
type pace struct {
	rows   int           // of the next request; zero for the first one
	failed int           // requests in a row without an answer
	pause  time.Duration // before the next request; zero unless the last one failed
}

// next returns how many of the rows that wait go into the next request.
func (p *pace) next(waiting int) int {
	if p.rows == 0 {
		p.rows = importFirst
	}
	return min(p.rows, waiting)
}

// took notes that an answer about rows came after d.
func (p *pace) took(rows int, d time.Duration) {
	fits := importMost
	if d > 0 {
		fits = int(min(int64(importMost), int64(rows)*int64(importGoal)/int64(d)))
	}
	p.rows = max(1, min(fits, 2*max(p.rows, rows)))
	p.failed, p.pause = 0, 0
}

// missed notes that no answer came for rows, and reports whether it is worth another request.
func (p *pace) missed(rows int) bool {
	p.rows = max(1, rows/4)
	p.failed++
	p.pause = min(importLong, importPause<<(p.failed-1))
	return p.failed < importTries
}

// unanswered reports whether err says that nobody knows what became of a request, or that the server
// could not do it now. To send the same rows again is safe: they are found by their names.
func unanswered(err error) bool {
	if errors.Is(err, graphclient.ErrCertificate) || errors.Is(err, context.Canceled) {
		return false
	}
	if refused, ok := errors.AsType[*graphclient.Error](err); ok {
		switch refused.Status {
		case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return true
		}
		return false
	}
	return errors.Is(err, graphclient.ErrUnreachable)
}
