package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"time"

	"github.com/postern-id/postern/test/live"
)

// people is a house with many people, and the pages that are measured.
type people struct {
	house *live.House
	serve *live.Process
	token string
	pages []string // paths: first page, last page, filtered
}

var pageNames = []string{"first page", "last page, by skiptoken", "first page, with $filter"}

// measureUsers compares pages of people in a large directory with those in one of a thousand.
func (b *bench) measureUsers(ctx context.Context) error {
	var houses []*people
	defer func() {
		for _, p := range houses {
			_ = p.serve.Kill()
		}
	}()
	for _, n := range []int{1000, b.users} {
		begin := time.Now()
		p, err := b.populate(ctx, n)
		if err != nil {
			return err
		}
		fmt.Fprintf(b.out, "a directory of %d people was made in %v\n", n, time.Since(begin).Round(time.Second))
		houses = append(houses, p)
	}
	for page, name := range pageNames {
		took := make([][]time.Duration, len(houses))
		for range 301 { // one after the other, so that both have the same machine
			for i, p := range houses {
				begin := time.Now()
				if _, err := p.get(ctx, p.pages[page]); err != nil {
					return err
				}
				took[i] = append(took[i], time.Since(begin))
			}
		}
		small, large := median(took[0]), median(took[1])
		b.bound(fmt.Sprintf("GET /users?$top=100 of %d, %s", b.users, name), large.Round(10*time.Microsecond).String(),
			"of 1000, "+small.Round(10*time.Microsecond).String(), float64(large)/float64(small), 1.3)
	}
	return nil
}

// populate makes a house with n people, starts its server, and walks to the last page.
func (b *bench) populate(ctx context.Context, n int) (*people, error) {
	h, err := live.Init(ctx, b.program, filepath.Join(b.dir, fmt.Sprintf("users%d", n)), "")
	if err != nil {
		return nil, err
	}
	p := &people{house: h}
	if p.serve, err = h.Start(ctx); err != nil {
		return nil, err
	}
	// One person by the front door is the pattern of the others.
	if err := p.pattern(ctx); err != nil {
		return nil, err
	}
	if err := p.serve.Stop(); err != nil {
		return nil, err
	}
	if err := multiply(ctx, filepath.Join(h.Dir, "postern.db"), n, justPeople); err != nil {
		return nil, fmt.Errorf("make %d people: %w", n, err)
	}
	if p.serve, err = h.Start(ctx); err != nil {
		return nil, err
	}
	t, err := h.Token(ctx, p.serve.URL, h.ClientCredentials())
	if err != nil {
		return nil, err
	}
	p.token = t.Access
	filtered := "/v1.0/users?" + url.Values{
		"$top": {"100"}, "$filter": {"startsWith(displayName,'seed00005')"},
	}.Encode()
	last, found, err := p.last(ctx, "/v1.0/users?$top=100")
	if err != nil {
		return nil, err
	}
	if found < n {
		return nil, fmt.Errorf("walking finds %d people of %d", found, n)
	}
	p.pages = []string{"/v1.0/users?$top=100", last, filtered}
	return p, nil
}

func (p *people) pattern(ctx context.Context) error {
	g, err := p.house.Graph(ctx, p.serve.URL)
	if err != nil {
		return err
	}
	body := fmt.Sprintf(`{"accountEnabled":true,"displayName":"%[1]s","mailNickname":"%[1]s","userPrincipalName":"%[1]s@%[2]s",
		"department":"Sales","jobTitle":"Clerk","usageLocation":"DE"}`, pattern, live.Domain)
	status, err := g.Do(ctx, p.serve.URL, http.MethodPost, "/v1.0/users", body, nil)
	if err == nil && status != http.StatusCreated {
		err = fmt.Errorf("create the pattern: %d", status)
	}
	return err
}

// page is what is read of a page.
type page struct {
	Value []json.RawMessage
	Next  string `json:"@odata.nextLink"`
}

func (p *people) get(ctx context.Context, path string) (page, error) {
	var got page
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.serve.URL+path, nil)
	if err != nil {
		return got, err
	}
	r.Header.Set("Authorization", "Bearer "+p.token)
	r.Header.Set("ConsistencyLevel", "eventual")
	res, err := p.house.Client().Do(r)
	if err != nil {
		return got, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %d\n%s", path, res.StatusCode, body)
	}
	if err == nil {
		err = json.Unmarshal(body, &got)
	}
	return got, err
}

// last follows every link and returns the last page that is full, and how many people came.
func (p *people) last(ctx context.Context, path string) (full string, found int, err error) {
	for path != "" {
		got, err := p.get(ctx, path)
		if err != nil {
			return "", found, err
		}
		found += len(got.Value)
		if len(got.Value) == 100 {
			full = path
		}
		path = ""
		if got.Next != "" {
			u, err := url.Parse(got.Next)
			if err != nil {
				return "", found, err
			}
			path = u.RequestURI()
		}
	}
	return full, found, nil
}
