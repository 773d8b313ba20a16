package audit

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Erased is what a personal value reads after it was erased.
const Erased = "(erased)"

const saltSize = 16

// A personalValue opens the commitment to Value.
type personalValue struct {
	Salt  []byte `json:"salt"`
	Value string `json:"value"`
}

// personalValues are the personal values of an entry by their JSON Pointer (RFC 6901) in the body.
type personalValues map[string]personalValue

// commitment is the base64 of SHA-256 over the salt and the value. The salt has one length,
// so the two cannot run into each other; its 128 bits keep short values from being guessed.
func (v personalValue) commitment() string {
	h := sha256.New()
	h.Write(v.Salt)
	io.WriteString(h, v.Value)
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// personal calls visit for every personal field of e, with its pointer and the id of the user
// whom it is about, or "" where that is not known.
func (e *Event) personal(visit func(pointer, owner string, field *string)) {
	if s := e.SignIn; s != nil {
		visit("/signIn/userPrincipalName", s.UserID, &s.UserPrincipalName)
		visit("/signIn/userDisplayName", s.UserID, &s.UserDisplayName)
		visit("/signIn/unknownName", s.UserID, &s.UnknownName)
		visit("/signIn/ipAddress", s.UserID, &s.IPAddress)
		visit("/signIn/countryOrRegion", s.UserID, &s.Country)
		visit("/signIn/userAgent", s.UserID, &s.UserAgent)
		visit("/signIn/browser", s.UserID, &s.Browser)
		visit("/signIn/operatingSystem", s.UserID, &s.OperatingSystem)
		visit("/signIn/deviceDisplayName", s.UserID, &s.DeviceDisplayName)
		visit("/signIn/additionalDetails", s.UserID, &s.AdditionalDetails)
		for i := range s.Details {
			at := "/signIn/authenticationDetails/" + strconv.Itoa(i)
			visit(at+"/authenticationMethodDetail", s.UserID, &s.Details[i].Detail)
		}
	}
	if c := e.Change; c != nil {
		c.personal(visit)
	}
}

// personal visits the personal fields of a change. Its details, such as the reason for a
// pass, are about its first target.
func (c *Change) personal(visit func(pointer, owner string, field *string)) {
	if u := c.By.User; u != nil {
		visit("/change/initiatedBy/user/displayName", u.ID, &u.DisplayName)
		visit("/change/initiatedBy/user/userPrincipalName", u.ID, &u.UserPrincipalName)
		visit("/change/initiatedBy/user/ipAddress", u.ID, &u.IPAddress)
	}
	for i := range c.Targets {
		t, at := &c.Targets[i], "/change/targetResources/"+strconv.Itoa(i)
		visit(at+"/displayName", t.ID, &t.DisplayName)
		visit(at+"/userPrincipalName", t.ID, &t.UserPrincipalName)
		for j := range t.Modified {
			at := at + "/modifiedProperties/" + strconv.Itoa(j)
			visit(at+"/oldValue", t.ID, &t.Modified[j].OldValue)
			visit(at+"/newValue", t.ID, &t.Modified[j].NewValue)
		}
	}
	about := ""
	if len(c.Targets) > 0 {
		about = c.Targets[0].ID
	}
	for i := range c.Details {
		visit("/change/additionalDetails/"+strconv.Itoa(i)+"/value", about, &c.Details[i].Value)
	}
}

// commit replaces every personal value of e that is not empty by a commitment, and returns
// what opens them.
func (e *Event) commit(rand io.Reader) (personalValues, error) {
	values := personalValues{}
	var failed error
	e.personal(func(pointer, _ string, field *string) {
		if *field == "" || failed != nil {
			return
		}
		v := personalValue{Salt: make([]byte, saltSize), Value: strings.ToValidUTF8(*field, "\uFFFD")}
		if _, err := io.ReadFull(rand, v.Salt); err != nil {
			failed = err
			return
		}
		values[pointer], *field = v, v.commitment()
	})
	return values, failed
}

// reveal puts the values back, and [Erased] where there is a commitment but no value; it
// returns how many were erased.
func (e *Event) reveal(values personalValues) (erased int) {
	e.personal(func(pointer, _ string, field *string) {
		if *field == "" {
			return
		}
		v, ok := values[pointer]
		if !ok {
			*field = Erased
			erased++
			return
		}
		*field = v.Value
	})
	return erased
}

// readPersonal returns the personal values of e after comparing each with its commitment in
// the body. It goes by the pointers and not by the fields of Event, so that it can check what
// a newer release wrote.
func readPersonal(e Entry) (personalValues, error) {
	values := personalValues{}
	if len(e.Personal) == 0 {
		return values, nil
	}
	if err := json.Unmarshal(e.Personal, &values); err != nil {
		return nil, fmt.Errorf("its personal values are not JSON: %w", ErrTampered)
	}
	// Two members of one name, or others beside them, would let two readers see two things.
	if again, err := encode(values); err != nil || !bytes.Equal(again, e.Personal) {
		return nil, fmt.Errorf("its personal values are not as they were written: %w", ErrTampered)
	}
	var doc any
	if err := json.Unmarshal(e.Body, &doc); err != nil {
		return nil, fmt.Errorf("its body is not JSON: %w", ErrTampered)
	}
	for pointer, v := range values {
		committed, ok := lookUp(doc, pointer).(string)
		if !ok || len(v.Salt) != saltSize ||
			subtle.ConstantTimeCompare([]byte(committed), []byte(v.commitment())) != 1 {
			return nil, fmt.Errorf("personal value %q does not match its commitment: %w", pointer, ErrTampered)
		}
	}
	return values, nil
}

// lookUp returns what pointer (RFC 6901, without escapes) leads to in doc, or nil.
func lookUp(doc any, pointer string) any {
	names := strings.Split(pointer, "/")
	for _, name := range names[1:] {
		switch d := doc.(type) {
		case map[string]any:
			doc = d[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(d) {
				return nil
			}
			doc = d[i]
		default:
			return nil
		}
	}
	return doc
}

// Erase returns e without the personal values about the user, or without any when user is
// empty. The body and its place in the tree stay as they are. Store the columns of the index
// again afterwards, from [Open] and [Event.Index].
func (e Entry) Erase(user string) (Entry, error) {
	values, err := readPersonal(e)
	if err != nil {
		return Entry{}, fmt.Errorf("erase in entry %s: %w", e.ID, err)
	}
	event, err := Open(e)
	if err != nil {
		return Entry{}, err
	}
	if user == "" {
		clear(values)
	}
	event.personal(func(pointer, owner string, _ *string) {
		if owner == user {
			delete(values, pointer)
		}
	})
	if e.Personal, err = encode(values); err != nil {
		return Entry{}, fmt.Errorf("erase in entry %s: %w", e.ID, err)
	}
	return e, nil
}
