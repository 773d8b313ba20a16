package server_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/webhook"
)

// A prover is an identity-proofing service that the tenant has subscribed.
type prover struct {
	trip
	id  string
	key []byte
}

func (x trip) prover() prover {
	x.t.Helper()
	status, v := x.api(http.MethodPost, webhooksAt, x.appToken(), `{"displayName":"Proofs","url":"https://proofs.invalid","events":["proof.asked"]}`)
	if status != http.StatusCreated {
		x.t.Fatalf("subscribe: %d %v", status, v)
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(v["secret"].(string), "whsec_"))
	if err != nil {
		x.t.Fatal(err)
	}
	return prover{x, v["id"].(string), key}
}

// asked is the newest question.
func (p prover) asked() (caseID, ask string) {
	p.t.Helper()
	_, v := p.api(http.MethodGet, webhooksAt+"/"+p.id+"/deliveries?$top=1", p.appToken(), "")
	all, _ := v["value"].([]any)
	if len(all) == 0 {
		p.t.Fatal("the service was not asked")
	}
	_, d := p.api(http.MethodGet, webhooksAt+"/"+p.id+"/deliveries/"+all[0].(map[string]any)["id"].(string), p.appToken(), "")
	data := d["payload"].(map[string]any)["data"].(map[string]any)
	if data["userId"] != p.sam || data["highestLevel"] != "medium" {
		p.t.Errorf("it was asked %v", data)
	}
	return data["caseId"].(string), data["askId"].(string)
}

// answerBody is the body of an answer.
func answerBody(caseID, ask, outcome, level, number string) string {
	return fmt.Sprintf(`{"type":"proof.answered","data":{"caseId":%q,"askId":%q,"outcome":%q,"level":%q,"caseNumber":%q,"reference":"P-1"}}`, caseID, ask, outcome, level, number)
}

// answer posts a body that is signed with key at a time, and returns the status and the code.
func (p prover) answer(key []byte, at time.Time, body string) (int, string) {
	p.t.Helper()
	id, stamp := uuid.NewString(), webhook.Stamp(at)
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.site.URL+"/webhooks/proof/"+p.created.TenantID, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("webhook-id", id)
	r.Header.Set("webhook-timestamp", stamp)
	r.Header.Set("webhook-signature", webhook.Sign(id, stamp, body, key))
	res, err := p.site.Client().Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var v struct {
		Error struct {
			Code string `json:"code"`
		} `json:"error"`
	}
	_ = json.NewDecoder(res.Body).Decode(&v)
	return res.StatusCode, v.Error.Code
}

func TestAnIdentityProofingServiceIsBelievedOnceInTimeAndForNoMoreThanPolicySays(t *testing.T) {
	x := onATrip(t)
	x.ask("sam@contoso.example")
	if a := x.get("/recover/case"); strings.Contains(a.body, "Ask the service") {
		t.Error("a service is offered where there is none")
	}
	p := x.prover()
	other := x.prover() // to which the same is asked; its answers are as good
	x.newBrowser()
	another := x.ask("sam@contoso.example")
	x.post("/recover/case", url.Values{"ask": {"external"}})
	otherCase, _ := p.asked()
	x.newBrowser()
	number := x.ask("sam@contoso.example")
	if a := x.post("/recover/case", url.Values{"ask": {"external"}}); a.location != "/recover/case?said=external" || !strings.Contains(x.get(a.location).body, "has been asked") {
		t.Fatalf("ask: %d %s", a.status, a.location)
	}
	caseID, ask := p.asked()
	if caseID == otherCase || number == another {
		t.Fatal("both asked in one case")
	}
	now := x.clock.now()
	good := answerBody(caseID, ask, "proved", "medium", number)
	for _, c := range []struct {
		name   string
		key    []byte
		at     time.Time
		body   string
		status int
		code   string
	}{
		{"forged", []byte("a key that nobody gave out, at all"), now, good, 401, "caseAnswerForged"},
		{"without a key", nil, now, good, 401, "caseAnswerForged"},
		{"signed long ago", p.key, now.Add(-time.Hour), good, 401, "caseAnswerForged"},
		{"in another case", p.key, now, answerBody(otherCase, ask, "proved", "medium", another), 404, "caseAskUnknown"},
		{"to nothing asked", p.key, now, answerBody(caseID, uuid.NewString(), "proved", "medium", number), 404, "caseAskUnknown"},
		{"to an empty question", p.key, now, answerBody(caseID, "", "proved", "medium", number), 404, "caseAskUnknown"},
		{"for more than policy allows", p.key, now, answerBody(caseID, ask, "proved", "high", number), 403, "caseAskLevel"},
		{"for a level that is none", p.key, now, answerBody(caseID, ask, "proved", "supreme", number), 403, "caseAskLevel"},
		{"for no level", p.key, now, answerBody(caseID, ask, "proved", "none", number), 403, "caseAskLevel"},
		{"about somebody who sees another number", p.key, now, answerBody(caseID, ask, "proved", "medium", another), 403, "caseAskNumber"},
		{"that is neither yes nor no", p.key, now, answerBody(caseID, ask, "maybe", "medium", number), 400, "caseInvalid"},
		{"of another type", p.key, now, strings.Replace(good, "proof.answered", "proof.asked", 1), 400, "caseInvalid"},
		{"that is endless", p.key, now, good + strings.Repeat(" ", 9<<10), 401, "caseAnswerForged"},
	} {
		if status, code := p.answer(c.key, c.at, c.body); status != c.status || code != c.code {
			t.Errorf("%s: %d %s", c.name, status, code)
		}
	}
	if strings.Contains(x.get("/recover/case").body, "Another service confirmed it") {
		t.Fatal("an attack was believed")
	}
	if status, code := other.answer(other.key, now, good); status != http.StatusNoContent {
		t.Fatalf("the answer: %d %s", status, code)
	}
	if !strings.Contains(x.get("/recover/case").body, "Another service confirmed it") {
		t.Error("the page does not say that it was believed")
	}
	if status, code := p.answer(p.key, now, good); status != http.StatusConflict || code != "caseAskAnswered" {
		t.Errorf("again: %d %s", status, code)
	}
	_, v := x.api(http.MethodGet, recoveryCases+"/"+caseID, x.appToken(), "")
	if v["assuranceLevel"] != "medium" || v["externalQuestions"].([]any)[0].(map[string]any)["state"] != "proved" {
		t.Errorf("the case says %v", v)
	}

	x.clock.move(2 * time.Hour) // who asks often is held up
	now = x.clock.now()
	x.newBrowser() // late, and refused
	number = x.ask("sam@contoso.example")
	x.post("/recover/case", url.Values{"ask": {"external"}})
	caseID, ask = p.asked()
	if status, code := p.answer(p.key, now, answerBody(caseID, ask, "refused", "", "")); status != http.StatusNoContent {
		t.Errorf("a refusal: %d %s", status, code)
	}
	if status, code := p.answer(p.key, now, answerBody(caseID, ask, "proved", "low", number)); status != http.StatusConflict {
		t.Errorf("a change of mind: %d %s", status, code)
	}
	x.post("/recover/case", url.Values{"ask": {"external"}})
	caseID, ask = p.asked()
	x.clock.move(25 * time.Hour)
	if status, code := p.answer(p.key, x.clock.now(), answerBody(caseID, ask, "proved", "low", number)); status != http.StatusGone || code != "caseAskLate" {
		t.Errorf("late: %d %s", status, code)
	}
}

// A yes and a no alike: whoever looks at a case that stands still or is over finds what was there.
func TestACaseThatStandsStillTakesNoAnswerOfAServiceAtAll(t *testing.T) {
	x := onATrip(t)
	p := x.prover()
	for _, c := range []struct {
		name, step, code string
		pass             bool
	}{
		{"frozen", "dispute", "caseDisputed", true},
		{"over since somebody denied it", "dispute", "caseState", false},
		{"given up", "cancel", "caseState", false},
	} {
		x.newBrowser()
		number := x.ask("sam@contoso.example")
		x.post("/recover/case", url.Values{"ask": {"external"}})
		id, ask := p.asked()
		if c.pass {
			link := x.linked(linkToApprove)
			x.asKey(link, x.key)
			x.post(link, url.Values{"answer": {"yes"}, "number": {number}, "way": {"me"}})
		}
		if status, v := x.api(http.MethodPost, recoveryCases+"/"+id+"/"+c.step, x.appToken(), `{"note":"Sam called"}`); status != http.StatusOK {
			t.Fatalf("%s: %d %v", c.step, status, v)
		}
		for _, outcome := range []string{"refused", "proved"} {
			if status, code := p.answer(p.key, x.clock.now(), answerBody(id, ask, outcome, "medium", number)); status != http.StatusConflict || code != c.code {
				t.Errorf("%s, in a case that is %s: %d %s", outcome, c.name, status, code)
			}
		}
		_, v := x.api(http.MethodGet, recoveryCases+"/"+id, x.appToken(), "")
		if q := v["externalQuestions"].([]any)[0].(map[string]any); q["state"] != "pending" {
			t.Errorf("a case that is %s took it: %v", c.name, q)
		}
	}
}
