package drills

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/console"
)

type showPage struct { // show.html
	console.Frame
	Drill    drill
	Now      time.Time
	Code     string // the practice pass; empty but the first time
	Groups   [][]letter
	Gone     bool // it was to be shown here, and was shown before
	Seen     string
	MayStart bool
}

// File implements console.Page.
func (showPage) File() string { return "show.html" }

// Over reports whether nobody can practise any more.
func (p showPage) Over() bool {
	return !p.Now.Before(p.Drill.Ends) || p.Drill.Count.Waiting+p.Drill.Count.Failed == 0
}

// Again reports whether it makes sense to ask that person once more.
func (p showPage) Again() bool {
	return p.MayStart && p.Drill.One() && (p.Drill.Person().State == "failed" || p.Drill.Person().State == "missed")
}

// A letter is one character of a practice pass and the key of the word to say for it.
type letter struct{ Char, Say string }

// groups parts the practice pass where its dashes are.
func groups(code string) (all [][]letter) {
	for part := range strings.SplitSeq(code, "-") {
		var one []letter
		for _, r := range part {
			one = append(one, letter{string(r), strings.ToLower(string(r))})
		}
		all = append(all, one)
	}
	return all
}

// held is what one page shows once.
type held struct {
	Code string `json:"code"`
}

// read returns the drill that the address names with everybody in it, and a name for just that.
func read(c *console.Call) (drill, string, error) {
	o, err := c.Graph.Drill(c.Context(), c.R.PathValue("id"))
	if err != nil {
		return drill{}, "", err
	}
	d := drillOf(o)
	if d.People, err = peopleOf(c, d.ID); err != nil {
		return d, "", err
	}
	text, err := json.Marshal(d)
	sum := sha256.Sum256(text)
	return d, hex.EncodeToString(sum[:8]), err
}

// show serves GET /console/recovery/drills/{id}. With the name of what is held for it, the practice pass
// is in the page, this once.
func show(c *console.Call) error {
	p := showPage{Frame: c.Frame("recovery"), Now: c.Now(), MayStart: c.May(starts)}
	var err error
	if p.Drill, p.Seen, err = read(c); err != nil {
		return err
	}
	if name := c.Form("once"); name != "" {
		var h held
		switch err := c.Take(name, &h); {
		case errors.Is(err, console.ErrTaken):
			p.Gone = true
		case err != nil:
			return err
		}
		p.Code = h.Code
		_, letters, _ := strings.Cut(h.Code, "-")
		p.Groups = groups(letters)
	}
	return c.Show(http.StatusOK, p)
}

// follow serves GET /console/recovery/drills/{id}/events: it says when somebody practised.
func follow(c *console.Call) error {
	return c.Live(func(context.Context) (string, bool, error) {
		d, seen, err := read(c)
		return seen, showPage{Drill: d, Now: c.Now()}.Over(), err
	})
}
