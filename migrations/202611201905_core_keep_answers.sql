-- Answers to requests that carried an Idempotency-Key: a repeated request gets the first one's answer.
CREATE TABLE core_answer (
  actor TEXT NOT NULL,            -- whose key it is; two people may use the same one
  request_key TEXT NOT NULL,
  request TEXT NOT NULL,          -- a hash of method, path and body
  begun_ms BIGINT NOT NULL,
  status BIGINT,                  -- null while it is being worked on
  answer TEXT,                    -- headers and body, sealed by the server
  PRIMARY KEY (actor, request_key)
);
CREATE INDEX core_answer_age ON core_answer (begun_ms);
