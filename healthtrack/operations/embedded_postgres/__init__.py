EMBEDDED_ENGINE = __name__  # as DATABASES names the backend
