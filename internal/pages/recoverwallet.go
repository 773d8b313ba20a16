package pages

import (
	"encoding/json"
	"errors"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/recovery"
	"github.com/postern-id/postern/internal/recovery/claim"
	"github.com/postern-id/postern/internal/recovery/presentation"
	"github.com/postern-id/postern/internal/request"
)

// A walletAsked is what the page of a case shows while a wallet is asked: a code to scan, a link
// for a wallet on this device, and a field for the code that the wallet leads to.
type walletAsked struct {
	Link   string       // in the QR code
	Href   template.URL // the same: its scheme opens a wallet
	ID     string
	Tenant string
	EndsAt time.Time
}

// presentedPage is presented.html: where a wallet leads on a device other than the one that asked.
type presentedPage struct {
	frame
	Code string
	From string // where the request began
}

func (presentedPage) file() string { return "presented.html" }

// askWallet makes a request for a wallet. It is offered to everybody alike.
func (s *Site) askWallet(w http.ResponseWriter, r *http.Request, c claim.Claim, v recovery.View) error {
	if !presentation.Offered(v.Policy) || !v.State.Waits() {
		return redirect(w, r, casePath)
	}
	if err := s.spend(r, c, "wallet"); err != nil {
		return s.renderCase(w, r, c, v, casePage{}, err)
	}
	holder, err := c.Holder(r.Context(), s.SignIn.Secrets.MAC)
	if err != nil {
		return err
	}
	asked, link, err := s.Presentations.Ask(r.Context(), c.Tenant, c.Case, holder, placeText(request.From(r.Context())))
	if err != nil {
		return err
	}
	return s.renderCase(w, r, c, v, casePage{Said: "credential", Wallet: &walletAsked{
		Link: link, Href: template.URL(link), //nolint:gosec // it is ours, and its scheme is the point
		ID: asked.ID, Tenant: string(asked.Tenant), EndsAt: asked.EndsAt,
	}}, nil)
}

// presented is what a wallet leads to.
type presented struct {
	tenant   directory.TenantID
	id, code string
}

func presentedOf(form url.Values) presented {
	return presented{tenant: directory.TenantID(form.Get("tenant")), id: form.Get("id"), code: form.Get("response_code")}
}

// takePresented takes the answer of a wallet in the browser that asked. Why it counts for nothing
// is not told here: it would tell who is known.
func (s *Site) takePresented(w http.ResponseWriter, r *http.Request, c claim.Claim, v recovery.View, p presented) error {
	if err := s.spend(r, c, "presented"); err != nil {
		return s.renderCase(w, r, c, v, casePage{}, err)
	}
	holder, err := c.Holder(r.Context(), s.SignIn.Secrets.MAC)
	if err != nil {
		return err
	}
	if p.tenant != c.Tenant {
		return redirect(w, r, casePath+"?said=wrong")
	}
	proof, err := s.Presentations.Take(r.Context(), p.tenant, p.id, c.Case, holder, p.code)
	if isTold(err) || err == nil && !isReal(v) {
		return redirect(w, r, casePath+"?said=wrong")
	} else if err != nil {
		return err
	}
	return s.proveSelf(w, r, c, v, proof)
}

// showPresented serves GET /recover/presented: the browser that asked goes on, any other shows the
// code that is to be typed there, and can do nothing with it.
func (s *Site) showPresented(w http.ResponseWriter, r *http.Request) error {
	p := presentedOf(r.URL.Query())
	c, v, ok, err := s.claimed(r)
	if err != nil {
		return err
	}
	if ok {
		holder, err := c.Holder(r.Context(), s.SignIn.Secrets.MAC)
		if err != nil {
			return err
		}
		switch _, own, err := s.Presentations.Asked(r.Context(), p.tenant, p.id, holder); {
		case own:
			return s.takePresented(w, r, c, v, p)
		case err != nil && !isTold(err):
			return err
		}
	}
	asked, _, err := s.Presentations.Asked(r.Context(), p.tenant, p.id, "")
	if err != nil {
		return err
	}
	tenant, err := s.tenant(r.Context(), asked.Tenant)
	if err != nil {
		return err
	}
	page := presentedPage{frame: s.frame(r, tenant), Code: presentation.Spelled(p.code), From: asked.From}
	if page.Code == "" {
		return presentation.ErrOver
	}
	s.render(w, r, http.StatusOK, page)
	return nil
}

// wallet serves wallets, which are no browsers: a fault is told as OAuth tells it.
func (s *Site) wallet(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, presentation.MaxAnswer+4<<10)
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		err := h(w, r)
		if err == nil {
			return
		}
		var f *fault.Error
		body := map[string]string{"error": "server_error"}
		f, status := s.told(r, err)
		if f != nil {
			body = map[string]string{"error": "invalid_request", "error_description": f.Code + ": " + f.Text}
		}
		writeJSON(w, status, body)
	})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the wallet may be gone
}

// walletRequest serves GET /recover/wallet/{tenant}/{id}: the signed request.
func (s *Site) walletRequest(w http.ResponseWriter, r *http.Request) error {
	text, err := s.Presentations.Object(r.Context(), directory.TenantID(r.PathValue("tenant")), r.PathValue("id"))
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/oauth-authz-req+jwt")
	_, _ = io.WriteString(w, text) //nolint:gosec // signed and encoded, and no page; the wallet may be gone
	return nil
}

// walletAnswer serves POST /recover/wallet/{tenant}/{id}: what the wallet answers.
func (s *Site) walletAnswer(w http.ResponseWriter, r *http.Request) error {
	if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); strings.TrimSpace(kind) != "application/x-www-form-urlencoded" {
		return presentation.ErrOver.With("", "The answer is no form.")
	}
	if err := r.ParseForm(); err != nil {
		if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
			return err
		}
		return presentation.ErrOver.With("", "The answer is no form.")
	}
	tenant, id := directory.TenantID(r.PathValue("tenant")), r.PathValue("id")
	if r.PostForm.Has("error") { // the person said no: they may try again
		if _, _, err := s.Presentations.Asked(r.Context(), tenant, id, ""); err != nil {
			return err
		}
		writeJSON(w, http.StatusOK, map[string]string{})
		return nil
	}
	f := request.From(r.Context())
	to, err := s.Presentations.Answer(r.Context(), tenant, id, r.PostForm.Get("response"), recovery.Actor{
		Self: true, By: actorOf(r, knownAccount{}), CorrelationID: f.CorrelationID, SignIn: recovery.SignIn{Address: f.Address.String()},
	})
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, map[string]string{"redirect_uri": to})
	return nil
}
