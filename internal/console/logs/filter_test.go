package logs

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/design"
)

var nine = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func TestAnAddressBecomesAFilter(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		trail   trail
		address string
		want    string
	}{
		{signInLog, "", ""},
		{signInLog, "person=1&result=refused", "userId eq '1' and status/errorCode ne 0"},
		{signInLog, "method=Temporary+Access+Pass", "authenticationMethodsUsed/any(x: x eq 'Temporary Access Pass')"},
		{signInLog, "address=203.0.113.24", "ipAddress eq '203.0.113.24'"},
		{signInLog, "address=203.0.113.", "startsWith(ipAddress,'203.0.113.')"},
		{signInLog, "correlation=12345678-ab", "startsWith(correlationId,'12345678-ab')"},
		{signInLog, "person=x'+or+userId+ne+'", "userId eq 'x'' or userId ne '''"},
		{signInLog, "code=1+or+1", ""},
		{signInLog, "code=-1", ""},
		{signInLog, "result=any", ""},
		{signInLog, "person=" + strings.Repeat("x", 301), ""},
		{signInLog, "nonsense=1&q=x&after=y&entry=z", ""},
		{signInLog, "time=hour", "createdDateTime ge 2026-03-02T08:00:00Z"},
		{signInLog, "from=2026-03-01T10:00", "createdDateTime ge 2026-03-01T09:00:00Z"},
		{signInLog, "to=2026-03-01", "createdDateTime lt 2026-02-28T23:00:00Z"},
		{changeLog, "by=1&about=2", "initiatedBy/user/id eq '1' and targetResources/any(x: x/id eq '2')"},
		{changeLog, "result=refused&category=Policy", "category eq 'Policy' and result eq 'failure'"},
		{changeLog, "person=1", ""},
	} {
		q, err := url.ParseQuery(c.address)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.trail.filter(q, nine, berlin); got != c.want {
			t.Errorf("%q asks for %q, want %q", c.address, got, c.want)
		}
	}
}

func TestAChipTakesItsFilterOffAndNoOther(t *testing.T) {
	q := url.Values{"person": {"1"}, "result": {"refused"}, "after": {"token"}, "entry": {"e"}}
	chips := signInLog.chips(q)
	if len(chips) != 2 || chips[0].OffHref != "/console/logs/signins?result=refused" || chips[1].OffHref != "/console/logs/signins?person=1" {
		t.Errorf("the chips are %+v", chips)
	}
}

func TestAShortCodeIsTheBeginningOfItsCorrelationID(t *testing.T) {
	for range 100 {
		id := uuid.NewString()
		code := design.ShortCode(id)
		for _, typed := range []string{code, code[:4] + "-" + code[4:], strings.ToLower(code[:4] + " " + code[4:])} {
			if got, ok := beginning(typed); !ok || !strings.HasPrefix(id, got) || len(got) != 11 {
				t.Fatalf("%s of %s begins %q", typed, id, got)
			}
		}
	}
	for _, no := range []string{"", "ABCD", "ABCD-EFG1", "ABCD-EFGI", "ABCDEFGHJ", "ABCD--EFGH", "mira okafor"} {
		if got, ok := beginning(no); ok {
			t.Errorf("%q is taken for the short code of %s", no, got)
		}
	}
}

func TestValuesOfTheLogAreShownWithoutTheirQuotes(t *testing.T) {
	for in, want := range map[string]string{`"a"`: "a", `[]`: "", `null`: "", `60`: "60", `{"a":1}`: `{"a":1}`, ``: ``} {
		if got := unquoted(in); got != want {
			t.Errorf("%s is shown as %q", in, got)
		}
	}
}
