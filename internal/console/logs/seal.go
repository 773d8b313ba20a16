package logs

import (
	"net/http"
	"strconv"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// lateAfter is how long an entry may wait to be sealed before a page says so.
const lateAfter = time.Minute

// A sealStatus is how far the log is sealed.
type sealStatus struct {
	State     string // good, caution or danger
	Kind      string // of its words: sealed, empty, unsigned, late
	Size      int
	Kept      int // the position of the oldest entry that is still there
	Epoch     string
	Root      string
	SignedAt  time.Time
	Signed    bool
	Unsealed  int
	Age       time.Duration
	Witnesses []witness
}

type witness struct {
	Kind, Name string
	Told       bool
	Behind     int
}

// Icon is the mark of the state.
func (s sealStatus) Icon() string {
	return map[string]string{"good": "check", "caution": "caution", "danger": "stop"}[s.State]
}

// sealOf asks how far the log is sealed; nil where the person may not know, or it is not known.
func sealOf(c *console.Call) *sealStatus {
	if !c.May("readAudits") {
		return nil
	}
	o, err := c.Graph.Get(c.Context(), "postern", "log", "status")
	if err != nil {
		return nil
	}
	s := readSeal(o)
	return &s
}

func readSeal(o graphclient.Object) sealStatus {
	s := sealStatus{
		Size: whole(o, "size"), Kept: whole(o, "firstKept"), Epoch: o.Text("epoch"), Root: o.Text("checkpoint/root"), Signed: o.Text("checkpoint/signatureValid") == "true",
		Unsealed: whole(o, "unsealed"), Age: time.Duration(whole(o, "oldestUnsealedInSeconds")) * time.Second,
	}
	s.SignedAt, _ = time.Parse(time.RFC3339, o.Text("checkpoint/signedDateTime"))
	for _, w := range o.Objects("witnesses") {
		s.Witnesses = append(s.Witnesses, witness{Kind: w.Text("kind"), Name: w.Text("name"), Told: w.Text("told") != "", Behind: whole(w, "behind")})
	}
	switch {
	case s.Size == 0:
		s.State, s.Kind = "caution", "empty"
	case !s.Signed:
		s.State, s.Kind = "danger", "unsigned"
	case s.Age > lateAfter:
		s.State, s.Kind = "caution", "late"
	default:
		s.State, s.Kind = "good", "sealed"
	}
	return s
}

func whole(o graphclient.Object, name string) int {
	n, err := strconv.Atoi(o.Text(name))
	if err != nil {
		return 0
	}
	return n
}

type sealPage struct { // seal.html
	console.Frame
	Seal   sealStatus
	Server string // where the browser found it
}

// File implements console.Page.
func (sealPage) File() string { return "seal.html" }

// seal serves the page about the sealed log.
func seal(c *console.Call) error {
	if c.Foreign() {
		return console.ErrNowhere
	}
	o, err := c.Graph.Get(c.Context(), "postern", "log", "status")
	if err != nil {
		return err
	}
	return c.Show(http.StatusOK, sealPage{Frame: c.Frame("logs"), Seal: readSeal(o), Server: "https://" + c.R.Host})
}
