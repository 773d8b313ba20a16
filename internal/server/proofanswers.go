package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/recovery"
	"github.com/postern-id/postern/internal/webhook"
)

// proofAnswer is the body that an identity-proofing service posts.
type proofAnswer struct {
	Type string `json:"type"` // proof.answered
	Data struct {
		Case      string `json:"caseId"`
		Ask       string `json:"askId"`
		Number    string `json:"caseNumber"` // that the person reads from their page
		Outcome   string `json:"outcome"`    // proved or refused
		Level     string `json:"level"`
		Reference string `json:"reference"`
	} `json:"data"`
}

const (
	answersFolder  = "webhooks"
	mostAnswer     = 8 << 10
	proofAnswered  = "proof.answered"
	mostSignatures = 1 << 10
)

// proofAnswers serves POST /webhooks/proof/{tenant}: the answer to proof.asked. It is believed if
// a webhook that is told of proof.asked signed it.
func (s *Server) proofAnswers() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /"+answersFolder+"/proof/{tenant}", func(w http.ResponseWriter, r *http.Request) {
		err := s.takeAnswer(r)
		if err == nil {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		f, told := errors.AsType[*fault.Error](err)
		if !told {
			s.options.Log.ErrorContext(r.Context(), "take an answer of an identity-proofing service", "err", err)
			http.Error(w, "The server has a problem. Try again later.", http.StatusInternalServerError)
			return
		}
		s.options.Log.WarnContext(r.Context(), "refused an answer of an identity-proofing service", "code", f.Code)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(answerStatus[f.Kind])
		_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]string{"code": f.Code, "message": f.Error()}})
	})
	return mux
}

var answerStatus = map[fault.Kind]int{
	fault.Invalid: http.StatusBadRequest, fault.Unsupported: http.StatusBadRequest, fault.Unauthorized: http.StatusUnauthorized,
	fault.Forbidden: http.StatusForbidden, fault.NotFound: http.StatusNotFound, fault.Conflict: http.StatusConflict,
	fault.Gone: http.StatusGone, fault.Precondition: http.StatusConflict, fault.TooMany: http.StatusTooManyRequests,
	fault.TooLarge: http.StatusRequestEntityTooLarge, fault.Unavailable: http.StatusServiceUnavailable,
	fault.MediaType: http.StatusUnsupportedMediaType, fault.Method: http.StatusMethodNotAllowed,
}

func (s *Server) takeAnswer(r *http.Request) error {
	tenant := directory.TenantID(strings.ToLower(r.PathValue("tenant")))
	if !directory.IsID(string(tenant)) {
		return recovery.ErrAnswerForged
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, mostAnswer+1))
	if err != nil || len(body) > mostAnswer {
		return recovery.ErrAnswerForged
	}
	by, err := s.signedBy(r, tenant, string(body))
	if err != nil {
		return err
	}
	var a proofAnswer
	d := json.NewDecoder(bytes.NewReader(body))
	if err := d.Decode(&a); err != nil || a.Type != proofAnswered || !directory.IsID(a.Data.Case) {
		return recovery.ErrInvalid.With("", "The body is a message of type proof.answered.")
	}
	_, err = s.cases.AnswerExternal(r.Context(), tenant, strings.ToLower(a.Data.Case), recovery.ExternalAnswer{
		Ask: strings.ToLower(a.Data.Ask), Answer: recovery.AskAnswer(a.Data.Outcome), Level: recovery.Level(a.Data.Level), Number: a.Data.Number, Reference: a.Data.Reference, Service: by.DisplayName, Webhook: by.ID,
	})
	return err
}

// signedBy returns the webhook whose secret signed the request, or recovery.ErrAnswerForged.
func (s *Server) signedBy(r *http.Request, tenant directory.TenantID, body string) (webhook.Webhook, error) {
	id, stamp, signatures := r.Header.Get(webhook.HeaderID), r.Header.Get(webhook.HeaderTimestamp), r.Header.Get(webhook.HeaderSignature)
	if len(id)+len(stamp)+len(signatures) > mostSignatures {
		return webhook.Webhook{}, recovery.ErrAnswerForged
	}
	all, err := s.db.Webhooks(r.Context(), tenant)
	if err != nil {
		return webhook.Webhook{}, err
	}
	now := s.now()
	for _, w := range all {
		if !w.Wants(webhook.ProofAsked) {
			continue
		}
		keys, err := w.Keys(r.Context(), s.ring, now)
		if err != nil {
			return w, err
		}
		for _, key := range keys {
			if webhook.Verify(id, stamp, body, signatures, key, now) {
				return w, nil
			}
		}
	}
	return webhook.Webhook{}, recovery.ErrAnswerForged
}
