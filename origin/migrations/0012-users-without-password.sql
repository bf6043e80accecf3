-- Whoever signs in by a provider only has no password.
ALTER TABLE users MODIFY password_hash VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NULL;
