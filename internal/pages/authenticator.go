package pages

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/postern-id/postern/internal/method/authenticator"
)

// authenticatorPage is authenticator.html: shows the number that is typed on the phone. The
// request goes out by the field ask; the field answered goes on after the answer. Before a
// first proof it looks the same whether anything went out or not.
type authenticatorPage struct {
	frame
	who
	Number        string
	EndsAt        time.Time // of the request that is out; zero when none is
	Again         bool      // one ended before
	AskedHref     string    // says whether to wait
	OtherWaysHref string
}

func (authenticatorPage) file() string { return "authenticator.html" }

func showAuthenticator(base frame, v visit, who who, prompt []byte) (page, error) {
	var p authenticator.Prompt
	if err := json.Unmarshal(prompt, &p); err != nil {
		return nil, err
	}
	base.Fetches = true
	return authenticatorPage{
		frame: base, who: who, Number: p.Number, EndsAt: p.EndsAt, Again: p.Again,
		AskedHref: "/signin/asked?" + Address(v.handle)[len("/signin?"):], OtherWaysHref: Address(v.handle) + "&go=methods",
	}, nil
}

// showAsked serves GET /signin/asked: whether the page is to go on waiting.
func (s *Site) showAsked(w http.ResponseWriter, r *http.Request) error {
	v, err := s.visit(r)
	if err != nil {
		return err
	}
	waiting := false
	if a := v.transaction.Asked; a != nil {
		if waiting, err = s.SignIn.Waiting(r.Context(), v.transaction, a.Method, place(r)); err != nil {
			return err
		}
	}
	return answerJSON(w, map[string]bool{"waiting": waiting})
}

// answerJSON answers a script of ours.
func answerJSON(w http.ResponseWriter, v any) error {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	return json.NewEncoder(w).Encode(v)
}
